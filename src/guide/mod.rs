//! The guide: pages to read, with no code to call.
//!
//! | page | topic |
//! | --- | --- |
//! | [`first_steps`] | from an empty `main` to a program that stops on time |
//! | [`grace_and_budgets`] | choosing a grace period, budgets and reserves |
//! | [`tokio_and_axum`] | async services: `requested`, `ended`, and blocked runtimes |
//! | [`hang_report`] | reading a hang report, for the person on call |
//! | [`gates`] | requests in flight, with axum and tonic |
//! | [`pools`] | worker pools, coming from Spring and `java.util.concurrent` |
//! | [`panics`] | panics as a trigger, panic hooks, error trackers |
//! | [`consumers`] | threads that wait in a call; Kafka |
//! | [`children`] | child processes |
//! | [`zero_downtime`] | replacing a process without a failed request |
//! | [`systemd`] | notifications, the watchdog, and how a unit's limits fit the grace |
//! | `kubernetes` (feature `platform`) | Docker, Kubernetes, Argo: whose grace counts, and the numbers of a manifest |
//! | `health` (feature `health`) | heartbeats of loops, runtimes and pools; the health server |
//! | [`migrating`] | coming from tokio-graceful-shutdown or signal-mod |
//! | [`other_languages`] | Node, Java, Python, nginx, shell scripts: the preload library, `deadstop run` |
//! | [`calls`] | which calls a signal handler and a child of `fork` may make |
//! | [`limits`] | what deadstop cannot do |
//!
//! The crate `deadstop-testkit` has a guide to testing your own shutdown.

#[doc = include_str!("first_steps.md")]
pub mod first_steps {}

#[doc = include_str!("grace_and_budgets.md")]
pub mod grace_and_budgets {}

#[doc = include_str!("tokio_and_axum.md")]
pub mod tokio_and_axum {}

#[cfg(feature = "platform")]
#[doc = include_str!("kubernetes.md")]
pub mod kubernetes {}

#[doc = include_str!("zero_downtime.md")]
pub mod zero_downtime {}

#[doc = include_str!("systemd.md")]
pub mod systemd {}

#[doc = include_str!("hang_report.md")]
pub mod hang_report {}

#[doc = include_str!("gates.md")]
pub mod gates {}

#[doc = include_str!("pools.md")]
pub mod pools {}

#[doc = include_str!("panics.md")]
pub mod panics {}

#[doc = include_str!("consumers.md")]
pub mod consumers {}

#[doc = include_str!("children.md")]
pub mod children {}

#[cfg(feature = "health")]
#[doc = include_str!("health.md")]
pub mod health {}

#[doc = include_str!("migrating.md")]
pub mod migrating {}

#[doc = include_str!("other_languages.md")]
pub mod other_languages {}

#[doc = include_str!("calls.md")]
pub mod calls {}

#[doc = include_str!("limits.md")]
pub mod limits {}
