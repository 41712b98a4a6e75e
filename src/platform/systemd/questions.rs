//! The questions that systemd is asked, as one write.

use super::message::Call;

const SERVICE: &str = "org.freedesktop.systemd1.Service";
pub(super) const PROPERTIES: [&str; 6] = [
    "TimeoutStopUSec",
    "KillMode",
    "KillSignal",
    "SendSIGHUP",
    "SendSIGKILL",
    "MainPID",
];

/// The serial number of the first question.
pub(super) const FIRST: usize = 2;

/// The greeting of the bus, where there is one, and a question for each
/// property.
pub(super) fn questions(unit: &str, is_bus: bool) -> Vec<u8> {
    // The kernel tells the other end who asks. Nothing is waited for.
    let mut out = b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n".to_vec();
    if is_bus {
        Call {
            serial: 1,
            destination: Some("org.freedesktop.DBus"),
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            arguments: &[],
        }
        .write(&mut out);
    }
    let path = format!("/org/freedesktop/systemd1/unit/{}", escaped(unit));
    for (serial, property) in (FIRST as u32..).zip(PROPERTIES) {
        Call {
            serial,
            destination: is_bus.then_some("org.freedesktop.systemd1"),
            path: &path,
            interface: "org.freedesktop.DBus.Properties",
            member: "Get",
            arguments: &[SERVICE, property],
        }
        .write(&mut out);
    }
    out
}

/// Writes a unit's name as part of an object's path.
pub(super) fn escaped(unit: &str) -> String {
    let mut path = String::new();
    for (place, byte) in unit.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => path.push(byte.into()),
            b'0'..=b'9' if place > 0 => path.push(byte.into()),
            _ => path += &format!("_{byte:02x}"),
        }
    }
    path
}
