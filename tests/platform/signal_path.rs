//! Arrival of a supervisor's signal: shells, inits, and what is unknown.

use deadstop::platform::{Environment, Platform, Process, ShellFate, SignalPath, Unit};

use super::{app, container, host};

/// A container: the processes from pid 1 to the parent of the program.
fn chain(processes: &[(&'static str, &'static [&'static str])]) -> Environment {
    let mut pid = 0;
    let mut environment = Environment::new(100);
    for (executable, command) in processes {
        let process = Process::new(pid + 1, pid, "x").executable(*executable);
        environment = environment.process(process.command(command.iter().copied()));
        pid += 1;
    }
    environment.process(app(100, pid))
}

fn path(environment: &Environment) -> SignalPath {
    Platform::of(environment).signal_path().clone()
}

fn fate(environment: &Environment) -> Option<(u32, ShellFate)> {
    match path(environment) {
        SignalPath::Shell { pid, fate, .. } => Some((pid, fate)),
        _ => None,
    }
}

const SH: (&str, &[&str]) = ("/usr/bin/dash", &["sh", "-c", "app; true"]);
const TINI: (&str, &[&str]) = ("/usr/bin/tini", &["tini", "--", "sh", "-c", "app; true"]);

#[test]
fn shell_as_pid_one_discards_the_signal() {
    assert_eq!(fate(&chain(&[SH])), Some((1, ShellFate::Discards)));
    let busybox = ("/bin/busybox", ["sh", "-c", "app; true"].as_slice());
    assert_eq!(fate(&chain(&[busybox])), Some((1, ShellFate::Discards)));
}

#[test]
fn shell_below_an_init_dies_and_takes_the_container_with_it() {
    assert_eq!(fate(&chain(&[TINI, SH])), Some((2, ShellFate::Dies)));
    let dumb_init = ("/usr/bin/dumb-init", ["dumb-init", "sh"].as_slice());
    assert_eq!(fate(&chain(&[dumb_init, SH])), Some((2, ShellFate::Dies)));
}

#[test]
fn outermost_shell_decides() {
    assert_eq!(fate(&chain(&[SH, SH, SH])), Some((1, ShellFate::Discards)));
    assert_eq!(fate(&chain(&[TINI, SH, SH])), Some((2, ShellFate::Dies)));
}

#[test]
fn shell_with_a_trap_may_do_anything() {
    let trap = Process::new(1, 0, "bash")
        .executable("/bin/bash")
        .command(["bash", "-c", "trap ..."])
        .caught(1 << 14);
    let environment = Environment::new(2).process(trap).process(app(2, 1));
    assert_eq!(fate(&environment), Some((1, ShellFate::Traps)));
}

#[test]
fn shell_that_ignores_the_signal_discards_it_below_an_init_too() {
    let environment = Environment::new(3)
        .process(Process::new(1, 0, "tini"))
        .process(
            Process::new(2, 1, "sh")
                .command(["sh", "run.sh"])
                .ignored(1 << 14),
        )
        .process(app(3, 2));
    assert_eq!(fate(&environment), Some((2, ShellFate::Discards)));
}

#[test]
fn shell_that_blocks_every_signal_while_it_starts_a_program_dies_all_the_same() {
    let environment = Environment::new(3)
        .process(Process::new(1, 0, "tini"))
        .process(
            Process::new(2, 1, "sh")
                .command(["sh", "run.sh"])
                .blocked(u64::MAX),
        )
        .process(app(3, 2));
    assert_eq!(fate(&environment), Some((2, ShellFate::Dies)));
}

#[test]
fn shell_without_a_script_is_a_person() {
    for shell in [
        ["bash"].as_slice(),
        &["-bash"],
        &["sh", "-i"],
        &["/bin/bash", "--login"],
    ] {
        let environment = chain(&[("/bin/bash", Box::leak(shell.to_vec().into_boxed_slice()))]);
        assert_eq!(
            fate(&environment),
            Some((1, ShellFate::Interactive)),
            "{shell:?}"
        );
    }
}

#[test]
fn no_shell_in_the_way_is_direct() {
    assert_eq!(path(&container()), SignalPath::Direct);
    assert_eq!(path(&chain(&[TINI])), SignalPath::Direct);
    let argo = (
        "/var/run/argo/argoexec",
        ["argoexec", "emissary"].as_slice(),
    );
    assert_eq!(path(&chain(&[argo])), SignalPath::Direct);
    let shared_namespace = Environment::new(42).process(app(42, 0));
    assert_eq!(path(&shared_namespace), SignalPath::Direct);
}

#[test]
fn root_of_a_shared_pid_namespace_that_is_a_shell_dies() {
    let shell = Process::new(41, 0, "sh").command(["sh", "-c", "app; true"]);
    let environment = Environment::new(42).process(shell).process(app(42, 41));
    assert_eq!(fate(&environment), Some((41, ShellFate::Dies)));
}

#[test]
fn unknown_program_in_between_is_named() {
    let npm = (
        "/usr/bin/node",
        ["node", "/usr/bin/npm", "start"].as_slice(),
    );
    let SignalPath::Program { pid, command, .. } = path(&chain(&[npm])) else {
        panic!("{:?}", path(&chain(&[npm])));
    };
    assert_eq!((pid, command.as_str()), (1, "node /usr/bin/npm start"));
}

#[test]
fn login_shell_on_a_machine_is_in_no_ones_way() {
    let shell = Process::new(4, 1, "bash").command(["bash", "deploy.sh"]);
    assert_eq!(path(&host(shell)), SignalPath::Direct);
}

#[test]
fn shell_of_a_service_matters_unless_the_whole_control_group_is_signaled() {
    let shell = || Process::new(4, 1, "sh").command(["sh", "-c", "app; true"]);
    let service = |mode: &str| {
        host(shell())
            .cgroup("0::/system.slice/app.service\n")
            .unit(Unit::new("app.service").kill_mode(mode).main_pid(4))
    };
    assert_eq!(path(&service("control-group")), SignalPath::Direct);
    assert_eq!(fate(&service("mixed")), Some((4, ShellFate::Dies)));
    assert_eq!(fate(&service("process")), Some((4, ShellFate::Dies)));
    let main = service("mixed").unit(Unit::new("app.service").kill_mode("mixed").main_pid(5));
    assert_eq!(path(&main), SignalPath::Direct);
}

#[test]
fn shell_below_a_supervisor_matters_where_the_supervisor_signals_one_process() {
    let under = |starter: Process| {
        Environment::new(5)
            .process(app(5, 4))
            .process(Process::new(4, 3, "sh").command(["sh", "./run"]))
            .process(starter)
            .process(Process::new(1, 0, "systemd"))
    };
    let runsv = under(Process::new(3, 1, "runsv"));
    assert_eq!(fate(&runsv), Some((4, ShellFate::Dies)));
    let python = Process::new(3, 1, "supervisord").executable("/usr/bin/python3.11");
    let supervisord = under(python.command(["/usr/bin/python3", "/usr/bin/supervisord", "-n"]));
    let supervisord = supervisord.variable("SUPERVISOR_ENABLED", "1");
    assert_eq!(fate(&supervisord), Some((4, ShellFate::Dies)));
    let node = Process::new(3, 1, "PM2").executable("/usr/bin/node");
    let pm2 = under(node.command(["PM2 v5.3.0: God Daemon (/root/.pm2)"])).variable("pm_id", "0");
    assert_eq!(path(&pm2), SignalPath::Direct);
}

#[test]
fn unseen_facts_are_named_as_unseen() {
    let mut cases = vec![
        Environment::new(7).unseen("hidepid"),
        Environment::new(7),
        Environment::new(7).process(app(7, 3)),
        Environment::new(7)
            .process(app(7, 3))
            .process(Process::new(3, 2, "sh")),
    ];
    // Read while ids were reused: a circle.
    cases.push(
        Environment::new(7)
            .process(app(7, 3))
            .process(Process::new(3, 4, "a"))
            .process(Process::new(4, 3, "b")),
    );
    for environment in cases {
        assert!(
            matches!(path(&environment), SignalPath::Unseen { .. }),
            "{environment:?}"
        );
    }
}
