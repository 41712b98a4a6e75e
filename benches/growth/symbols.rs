//! Names and lines of a program with much debug information.
//!
//! The bench makes such a program from one object file in C with many functions, which it links
//! in as often as needed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::folder;
use crate::results::Results;
use crate::watched::watch;

/// Megabytes of debug information that are linked in, beside the program's own.
const SIZES: [usize; 4] = [0, 10, 100, 1_000];
const PART: &str = "symbols";

/// Functions of an object file: about 10 MB of debug information.
const FUNCTIONS: usize = 6_000;

pub(crate) fn measure(results: &mut Results, rounds: usize, is_quick: bool) {
    let sizes = if is_quick { &SIZES[..2] } else { &SIZES };
    let Some(object) = compile() else {
        eprintln!("no C compiler: no program with much debug information");
        return;
    };
    let json = folder(PART).join("report.json");
    for &wanted in sizes {
        let program = build(&object, wanted);
        let megabytes = debug_bytes(&program) / 1_000_000;
        for _ in 0..rounds {
            let report = watch(Command::new(&program), &json);
            let mut add = |what: &str, unit, value| results.add(PART, what, megabytes, unit, value);
            report.add_times(&mut add);
            add("frames with a name", "", report.named);
            add("frames with a line", "", report.with_line);
            add("most resident memory", "MiB", report.most_resident);
        }
        // The largest takes gigabytes.
        let _ = fs::remove_file(&program);
    }
}

/// The object file in C. `None` where there is no compiler.
fn compile() -> Option<PathBuf> {
    let folder = folder(PART);
    let (source, object) = (folder.join("many.c"), folder.join("many.o"));
    let mut text = String::new();
    for n in 0..FUNCTIONS {
        writeln!(text, "struct s{n} {{").unwrap();
        for field in 0..24 {
            writeln!(text, "  int field_{field}_of_{n};").unwrap();
        }
        writeln!(
            text,
            "}};\nstatic int f{n}(struct s{n} *one, int a, int b) {{\n  \
             int c = a * b + one->field_1_of_{n};\n  \
             if (c > {n}) {{\n    int d = c - a;\n    one->field_2_of_{n} = d;\n    c += d;\n  }}\n  \
             return c + one->field_3_of_{n};\n}}"
        )
        .unwrap();
    }
    writeln!(text, "void *const table[] = {{").unwrap();
    for n in 0..FUNCTIONS {
        writeln!(text, "  (void *)f{n},").unwrap();
    }
    text.push_str("};\n");
    fs::write(&source, text).unwrap();
    let mut compiler = Command::new("cc");
    compiler
        .args(["-c", "-g", "-O0", "-o"])
        .arg(&object)
        .arg(&source);
    compiler.status().ok()?.success().then_some(object)
}

/// Builds the program with about so many megabytes.
fn build(object: &Path, megabytes: usize) -> PathBuf {
    let folder = folder(&format!("{PART}/program"));
    let each = debug_bytes(object).saturating_sub(string_bytes(object));
    let each = each.max(1) as usize;
    let copies = (megabytes * 1_000_000).div_ceil(each);
    let mut arguments = String::from("-Wl,--no-gc-sections\n");
    for copy in 0..copies {
        let path = folder.join(format!("copy-{copy}.o"));
        let done = Command::new("objcopy")
            .arg(format!("--redefine-sym=table=table_{copy}"))
            .args([object, &path])
            .status();
        assert!(done.unwrap().success());
        writeln!(arguments, "{}", path.display()).unwrap();
    }
    let list = folder.join("arguments");
    fs::write(&list, arguments).unwrap();
    let manifest = format!(
        "[package]\nname = \"large\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [[bin]]\nname = \"large\"\npath = \"main.rs\"\n\n\
         [dependencies]\ndeadstop = {{ path = \"{}\" }}\nlibc = \"0.2\"\n\n\
         [profile.release]\ndebug = true\n\n[workspace]\n",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("main.rs"), include_str!("large_program.rs")).unwrap();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    let target = folder.join("target");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .current_dir(&folder)
        .args(["rustc", "--release", "--target-dir"])
        .arg(&target)
        .args(["--", "-C"])
        .arg(format!("link-arg=@{}", list.display()));
    let done = cargo.output().unwrap();
    if !done.status.success() {
        crate::fail(&format!(
            "{cargo:?}\n{}",
            String::from_utf8_lossy(&done.stderr)
        ));
    }
    for copy in 0..copies {
        let _ = fs::remove_file(folder.join(format!("copy-{copy}.o")));
    }
    let program = folder.join(format!("large-{megabytes}"));
    fs::copy(target.join("release/large"), &program).unwrap();
    let _ = fs::remove_file(target.join("release/large"));
    program
}

/// The bytes of all sections with debug information.
fn debug_bytes(file: &Path) -> u64 {
    section_bytes(file, ".debug_")
}

/// The bytes of the texts in it. The linker keeps one of equal texts, so that copies of an
/// object add nothing here.
fn string_bytes(file: &Path) -> u64 {
    section_bytes(file, ".debug_str")
}

/// The bytes of all sections whose name begins so.
fn section_bytes(file: &Path, name: &str) -> u64 {
    let output = Command::new("objdump")
        .arg("-hw")
        .arg(file)
        .output()
        .unwrap();
    let sections = String::from_utf8_lossy(&output.stdout);
    let sizes = sections.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next()?.starts_with(name).then_some(())?;
        u64::from_str_radix(fields.next()?, 16).ok()
    });
    sizes.sum()
}
