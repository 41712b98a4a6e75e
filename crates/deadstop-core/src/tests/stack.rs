//! Tests of captured stacks, and of whose code a frame runs.

use crate::render::frames::{Owner, owner};
use crate::stack::{Captured, Source, Stack};

#[test]
fn stack_that_is_not_asked_for_is_zero_in_memory() {
    assert_eq!(Captured::NotAsked as u8, 0);
}

#[test]
fn cleared_stack_has_no_frames() {
    let mut stack = Box::new(Stack::empty());
    stack.clear(1);
    stack.captured = Captured::Yes;
    while let Some(frame) = stack.push(0x1000) {
        frame.is_call = true;
        frame.function.text("main");
    }
    assert!(stack.frames().count() > 0 && stack.left_out == 1);
    stack.clear(2);
    assert_eq!((stack.tid, stack.captured), (2, Captured::NotAsked));
    assert_eq!((stack.frames().count(), stack.left_out), (0, 0));
    let frame = stack.push(0x2000).expect("there is room");
    assert_eq!((frame.address, frame.is_call), (0x2000, false));
    assert_eq!(frame.function.as_str(), "");
    assert_eq!(stack.frames().count(), 1);
}

#[test]
fn inserted_frame_is_between_its_neighbors_and_the_outermost_gives_way() {
    let addresses = |stack: &Stack| -> Vec<usize> {
        let frames = stack.frames();
        frames.map(|frame| frame.address).collect()
    };
    let mut stack = Box::new(Stack::empty());
    let mut inserted = stack.push(9).expect("there is room").clone();
    inserted.address = 5;
    stack.clear(1);
    for address in 1..=2 {
        stack.push(address);
    }
    stack.insert_after(0, inserted.clone());
    assert_eq!(addresses(&stack), [1, 5, 2]);
    stack.insert_after(2, inserted.clone());
    assert_eq!(addresses(&stack), [1, 5, 2, 5]);
    stack.insert_after(4, inserted.clone());
    assert_eq!(stack.frames().count(), 4);
    while stack.push(7).is_some() {}
    let (count, left_out) = (stack.frames().count(), stack.left_out);
    stack.insert_after(3, inserted);
    assert_eq!(addresses(&stack)[..6], [1, 5, 2, 5, 5, 7]);
    assert_eq!(
        (stack.frames().count(), stack.left_out),
        (count, left_out + 1)
    );
}

/// With line tables only, the source decides, not the name.
#[test]
fn inlined_frame_of_std_without_a_path_in_its_name_is_of_std() {
    let owner_of = |function, source| {
        let mut stack = Box::new(Stack::empty());
        let frame = stack.push(1).expect("there is room");
        frame.function.text(function);
        frame.source = source;
        owner(frame)
    };
    for name in ["wait_until", "{closure}<core::option::Option<u8>>"] {
        assert_eq!(owner_of(name, Source::Std), Owner::Std);
        assert_eq!(owner_of(name, Source::Application), Owner::Application);
    }
    assert_eq!(owner_of("app::run<u8>", Source::Std), Owner::Application);
    // `main` of C, without a source, calls `std`.
    assert_eq!(owner_of("main", Source::Application), Owner::Application);
    assert_eq!(owner_of("main", Source::Unknown), Owner::Std);
}

/// Otherwise the thread that waits for the shutdown would be a suspicious one.
#[test]
fn inlined_frame_of_a_dependency_without_a_path_in_its_name_is_of_its_crate() {
    let owner_of = |function, site| {
        let mut stack = Box::new(Stack::empty());
        let frame = stack.push(1).expect("there is room");
        frame.function.text(function);
        frame.source = Source::Dependency;
        frame.site.text(site);
        owner(frame)
    };
    for (site, of) in [
        ("deadstop-0.1.0/src/wait.rs:7", Owner::Deadstop),
        ("deadstop/src/wait.rs:7", Owner::Deadstop),
        ("deadstop-core-0.1.0/src/wait.rs:7", Owner::Deadstop),
        ("tokio-1.45.0/src/park.rs:7", Owner::Runtime),
        ("hyper-util-0.1.3/src/server.rs:7", Owner::Runtime),
        ("futures/futures-util/src/lib.rs:7", Owner::Runtime),
        ("deadstop-testkit-0.1.0/src/lib.rs:7", Owner::Application),
        ("tokio-postgres-0.7.2/src/lib.rs:7", Owner::Application),
        ("redis-0.27.5/src/cmd.rs:7", Owner::Application),
        ("tokio", Owner::Application),
        ("", Owner::Application),
    ] {
        assert_eq!(owner_of("wait_until", site), of, "{site}");
        assert_eq!(owner_of("{closure}<redis::Cmd>", site), of, "{site}");
    }
    let with_path = owner_of("redis::wait", "tokio-1.45.0/src/park.rs:7");
    assert_eq!(with_path, Owner::Application);
}
