//! A program that does nothing.

pub fn install() {}

pub fn finish(_: ()) {}
