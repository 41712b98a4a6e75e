//! `deadstop-symbols` itself: reads the files, and writes names and lines into the slot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::job::Job;
use super::preload::{have_lines_time, preload_at};
use super::shared::Shared;
use crate::contain::contain;
use crate::lock::Mutex;
use crate::process::WATCH;
use crate::reporting::schedule::due;
use crate::reporting::stacks::LookUp;
use crate::reporting::stacks::capture::files::{Module, Modules};
use crate::reporting::stacks::capture::memory_limit::{self, Need};
use crate::reporting::stacks::capture::names::{
    CodeLocation, Symbols, without_head, without_middle,
};
use crate::reporting::stacks::capture::unwind::SharedUnwinder;
use crate::reporting::stacks::capture::unwind::Unwinder;
use deadstop_core::render::frames::{Owner, owner};
use deadstop_core::stack::{Frame, MAX_FRAMES, Source, Stack};

/// The state of the thread.
pub(super) struct SymbolizerThread {
    shared: Arc<Shared>,
    unwinder: Arc<SharedUnwinder>,
    modules: Modules,
    symbols: Symbols,
    has_preloaded: bool,
}

/// A frame of the slot, and the module that its code is in.
struct Position {
    n: usize,
    offset: u64,
    module: Module,
}

impl SymbolizerThread {
    pub(super) fn new(
        shared: Arc<Shared>,
        unwinder: Arc<SharedUnwinder>,
        modules: Modules,
    ) -> Self {
        Self {
            shared,
            unwinder,
            modules,
            symbols: Symbols::default(),
            has_preloaded: false,
        }
    }

    /// Runs the thread. It is as prompt as the reporter, which waits for it.
    #[cold]
    pub(super) fn run(mut self) {
        let deadline = WATCH.deadline();
        let empty = || Box::new(Mutex::new(Stack::empty()));
        self.shared.slot.get_or_init(empty);
        self.shared.is_running.store(true, Ordering::Release);
        // The reporter may wait for that.
        WATCH.notify();
        if !self.shared.is_requested.load(Ordering::Acquire) {
            // It was started because a report may follow.
            self.preload();
        }
        loop {
            let seen = deadline.change_count();
            if self.shared.is_retired.load(Ordering::Acquire) {
                return;
            }
            if let Some(job) = self.shared.job() {
                // Files are read by code that is not ours.
                let _ = contain(|| self.work(job));
                self.shared.finish_job(job);
                continue;
            }
            let preload_at = preload_at().filter(|_| !self.has_preloaded);
            match preload_at {
                Some(at) if at <= deadstop_core::now() => self.preload(),
                at => {
                    deadline.wait_for_change(seen, at);
                }
            }
        }
    }

    #[cold]
    fn work(&mut self, job: Job) {
        if !memory_limit::leaves(Need::MARGIN) {
            return;
        }
        self.refresh();
        match job {
            Job::Refresh => {}
            Job::LookUp(LookUp::Names) => self.look_up_names(),
            Job::LookUp(LookUp::OwnLines) => {
                self.look_up_lines(|frame| owner(frame) == Owner::Application);
            }
            Job::LookUp(LookUp::Lines) => {
                self.look_up_lines(|frame| frame.site.as_str().is_empty());
            }
        }
    }

    /// Gives the reporter an unwinder that knows the modules of now.
    #[cold]
    fn refresh(&mut self) {
        if self.modules.read() {
            let unwinder = Unwinder::new(&self.modules);
            self.unwinder.replace(unwinder);
        }
    }

    /// Reads ahead of a report, once.
    fn preload(&mut self) {
        self.has_preloaded = true;
        // Files are read by code that is not ours.
        let _ = contain(|| self.read_names_and_lines());
    }

    /// Reads the names in every file, of the program first, and then the lines if there is
    /// time: a report that is due meanwhile would wait for them, and have no names either.
    #[cold]
    fn read_names_and_lines(&mut self) {
        let begun = deadstop_core::now();
        if !memory_limit::leaves(Need::MARGIN) {
            return;
        }
        self.refresh();
        for what in [LookUp::Names, LookUp::Lines] {
            let now = deadstop_core::now();
            let left = due(WATCH.deadline()).map_or(Duration::ZERO, |due| due.since(now));
            if what == LookUp::Lines && !have_lines_time(now.since(begun), left) {
                return;
            }
            for module in self.modules.iter() {
                if !self.shared.is_idle() {
                    // The reporter waits; the frames it has need few of the files.
                    return;
                }
                let symbols = self.symbols.of(&module.image);
                if what == LookUp::Lines {
                    symbols.debug_info();
                }
            }
        }
    }

    /// Finds the names of the functions of the stack in the slot.
    #[cold]
    fn look_up_names(&mut self) {
        let positions = self.positions();
        for Position { n, offset, module } in &positions {
            if let Some(function) = self.symbols.of(&module.image).function(*offset) {
                self.write(*n, |frame| without_middle(&mut frame.function, &function));
            }
        }
    }

    /// Finds the lines of those frames of the stack in the slot that are wanted.
    #[cold]
    fn look_up_lines(&mut self, is_wanted: fn(&Frame) -> bool) {
        let mut wanted = [false; MAX_FRAMES];
        if let Some(slot) = self.shared.try_slot() {
            for (wanted, frame) in wanted.iter_mut().zip(slot.frames()) {
                *wanted = is_wanted(frame);
            }
        }
        let mut positions = self.positions();
        positions.retain(|position| wanted[position.n]);
        let mut inserted = 0;
        for Position { n, offset, module } in &positions {
            let locations = self.symbols.of(&module.image).locations(*offset);
            let Some(mut slot) = self.shared.try_slot() else {
                continue;
            };
            let n = n + inserted;
            let before = slot.frames().count();
            write_locations(&mut slot, n, &locations);
            inserted += slot.frames().count() - before;
        }
    }

    /// The frames of the slot, and where they are in their files.
    #[cold]
    fn positions(&self) -> Vec<Position> {
        let mut positions = Vec::new();
        let Some(mut slot) = self.shared.try_slot() else {
            return positions;
        };
        for (n, frame) in slot.frames_mut().enumerate() {
            // A call may be a function's last instruction, and a file's.
            let back = u64::from(frame.is_call);
            let address = frame.address as u64;
            let code = address.wrapping_sub(back);
            let module = self
                .modules
                .iter()
                .find(|module| module.code.contains(&code));
            let Some((module, bias)) = module.and_then(|it| Some((it, it.bias()?))) else {
                continue;
            };
            if frame.module.as_str().is_empty() {
                // It was loaded since the reporter looked.
                frame.module.text(&module.name);
                frame.offset = address.wrapping_sub(bias);
            }
            positions.push(Position {
                n,
                offset: code.wrapping_sub(bias),
                module: module.clone(),
            });
        }
        positions
    }

    fn write(&self, n: usize, write: impl FnOnce(&mut Frame)) {
        if let Some(mut slot) = self.shared.try_slot() {
            if let Some(frame) = slot.frames_mut().nth(n) {
                write(frame);
            }
        }
    }
}

/// Writes the innermost of `locations` into the frame `n`. If that is a dependency's, inlined
/// into the application's code, it adds a frame of the application's: reports look for both.
fn write_locations(stack: &mut Stack, n: usize, locations: &[CodeLocation]) {
    let Some((innermost, outer)) = locations.split_first() else {
        return;
    };
    let Some(frame) = stack.frames_mut().nth(n) else {
        return;
    };
    write_location(frame, innermost);
    let is_application = owner(frame) == Owner::Application;
    if is_application && frame.source != Source::Dependency {
        return;
    }
    let mut caller = frame.clone();
    for location in outer {
        write_location(&mut caller, location);
        let is_other = !is_application || caller.source != Source::Dependency;
        if is_other && owner(&caller) == Owner::Application {
            stack.insert_after(n, caller);
            return;
        }
    }
}

fn write_location(frame: &mut Frame, location: &CodeLocation) {
    if let Some(function) = &location.function {
        without_middle(&mut frame.function, function);
    }
    if let Some(site) = &location.site {
        without_head(&mut frame.site, site);
        frame.source = location.source;
    }
}
