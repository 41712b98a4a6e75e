//! Asks systemd how it stops a unit, in bounded time.
//!
//! No variable holds `TimeoutStopSec`. The bus is asked first; where there is
//! none, root can ask systemd's own socket. The questions go out in one write,
//! on a thread of their own: a connection to a bus that does not accept can
//! block without end.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::input::{Input, left};
use super::message::{Reply, Value};
use super::questions::{FIRST, PROPERTIES, questions};
use super::unit::Unit;
use deadstop_core::threads::own::OwnThread;

/// The longest wait for all answers.
const BOUND: Duration = Duration::from_millis(250);

/// The place at which systemd can be asked.
#[derive(Clone, Debug)]
struct Address {
    socket: PathBuf,
    /// Set if a bus stands between, which has to be greeted.
    is_bus: bool,
}

/// Asks the system's manager about `unit`, or the user's if `runtime`, the
/// user's runtime folder, is given. `None` if it does not answer in time.
#[cold]
pub(in crate::platform) fn ask(unit: &str, runtime: Option<&Path>) -> Option<Unit> {
    let addresses = match runtime {
        None => [
            ("/run/dbus/system_bus_socket".into(), true),
            ("/run/systemd/private".into(), false),
        ],
        Some(folder) => [
            (folder.join("bus"), true),
            (folder.join("systemd/private"), false),
        ],
    };
    let addresses = addresses.map(|(socket, is_bus)| Address { socket, is_bus });
    ask_within(unit, addresses.into(), BOUND)
}

#[cold]
fn ask_within(unit: &str, addresses: Vec<Address>, bound: Duration) -> Option<Unit> {
    let (answers, answer) = mpsc::channel();
    let unit = unit.to_owned();
    let until = Instant::now() + bound;
    let ask = move || {
        let _own = OwnThread::mark();
        let unit = addresses
            .iter()
            .find_map(|address| exchange(&unit, address, until));
        // The other end is gone once the time is over.
        let _ = answers.send(unit);
    };
    thread::Builder::new()
        .name("deadstop-ask".into())
        .spawn(ask)
        .ok()?;
    answer.recv_timeout(bound).ok().flatten()
}

/// Asks all questions, and reads until each has its answer.
#[cold]
fn exchange(unit: &str, address: &Address, until: Instant) -> Option<Unit> {
    let mut stream = UnixStream::connect(&address.socket).ok()?;
    stream.set_write_timeout(Some(left(until)?)).ok()?;
    stream.write_all(&questions(unit, address.is_bus)).ok()?;
    let mut input = Input { stream, until };
    input.authenticate()?;
    let mut values: [Option<Value>; PROPERTIES.len()] = Default::default();
    while values.iter().any(Option::is_none) {
        let Reply { to, value } = input.message()?;
        let Some(place) = (to as usize).checked_sub(FIRST) else {
            continue;
        };
        // An error is the answer to one of them, and leaves it unanswered.
        *values.get_mut(place)? = Some(value?);
    }
    described(unit, values.map(Option::unwrap_or_default))
}

impl Default for Value {
    fn default() -> Self {
        Self::Bool(false)
    }
}

#[cold]
fn described(name: &str, values: [Value; PROPERTIES.len()]) -> Option<Unit> {
    use Value::{Bool, Number, Text};
    let [
        Number(timeout),
        Text(kill_mode),
        Number(kill_signal),
        Bool(send_sighup),
        Bool(send_sigkill),
        Number(main_pid),
    ] = values
    else {
        return None;
    };
    // systemd's infinity is the greatest number.
    let timeout = (timeout != u64::MAX).then(|| Duration::from_micros(timeout));
    let unit = Unit::new(name)
        .timeout_stop(timeout)
        .kill_mode(kill_mode)
        .kill_signal(kill_signal.try_into().ok()?)
        .send_sighup(send_sighup)
        .send_sigkill(send_sigkill);
    Some(match main_pid {
        0 => unit,
        pid => unit.main_pid(pid.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests;
