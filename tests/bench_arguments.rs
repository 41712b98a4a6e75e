//! A bench refuses an argument that it does not know, and prints its usage.

#[expect(
    dead_code,
    reason = "only a bench reads the arguments of its own process"
)]
#[path = "../benches/shared/arguments.rs"]
mod arguments;

use arguments::CargoFlags;
use clap::Error;
use clap::error::ErrorKind;

/// Measures a thing
#[derive(Debug, clap::Parser)]
#[command(bin_name = "cargo bench --bench thing --")]
struct Arguments {
    /// Samples of each row
    #[arg(long, value_name = "N", default_value_t = 7)]
    samples: usize,
    #[command(flatten)]
    cargo: CargoFlags,
}

fn parse(given: &[&str]) -> Result<Arguments, Error> {
    let program = ["target/release/deps/thing-0123456789abcdef"];
    let arguments = program.iter().chain(given).map(ToString::to_string);
    arguments::parse(arguments)
}

#[test]
fn flags_of_cargo_decide_whether_to_measure() {
    for (given, measures) in [
        (&["--bench"][..], true),
        (&["--samples", "3", "--bench"], true),
        (&[], false),
        (&["--test"], false),
        (&["--bench", "--test"], false),
    ] {
        let arguments = parse(given).expect("each is known");
        assert_eq!(arguments.cargo.wants_measurements(), measures, "{given:?}");
    }
    assert_eq!(parse(&["--samples", "3"]).expect("it is known").samples, 3);
    assert_eq!(parse(&[]).expect("none is needed").samples, 7);
}

#[test]
fn unknown_argument_is_refused_with_the_list_of_options() {
    for given in ["--sample", "more", "-x"] {
        let error = parse(&[given, "--bench"]).expect_err("it is not known");
        let text = error.to_string();
        assert_eq!(error.exit_code(), 2);
        assert!(text.starts_with("error: unexpected argument"), "{text}");
        assert!(text.contains(given), "{text}");
        assert!(text.contains("--samples <N>"), "{text}");
        assert!(
            text.contains("Usage: cargo bench --bench thing --"),
            "{text}"
        );
        assert!(!text.contains("--test"), "{text}");
    }
}

#[test]
fn value_that_is_no_number_is_refused() {
    let error = parse(&["--samples", "many"]).expect_err("it is no number");
    let text = error.to_string();
    assert!(
        text.contains("'many'") && text.contains("[default: 7]"),
        "{text}"
    );
}

#[test]
fn help_is_printed_without_measuring() {
    let help = parse(&["--bench", "--help"]).expect_err("it ends the process");
    assert_eq!(help.kind(), ErrorKind::DisplayHelp);
    assert_eq!(help.exit_code(), 0);
    assert!(help.to_string().contains("Measures a thing"), "{help}");
}
