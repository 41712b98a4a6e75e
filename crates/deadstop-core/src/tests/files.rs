//! The list of files to remove.

use std::ffi::CString;
use std::fs;

use crate::files::FileList;

fn leaked() -> &'static FileList {
    Box::leak(Box::new(FileList::empty()))
}

fn path(name: &str) -> (String, CString) {
    let path = format!("/tmp/deadstop-files-{}-{name}", crate::pid());
    fs::write(&path, "").expect("/tmp can be written to");
    let c = CString::new(path.clone()).expect("it has no zero");
    (path, c)
}

#[test]
fn listed_files_are_removed_once_and_a_missing_one_is_not_counted() {
    let list = leaked();
    let ((first, a), (second, b)) = (path("a"), path("b"));
    let entries = [list.add(&a), list.add(&b)];
    assert!(entries.iter().all(Option::is_some));
    fs::remove_file(&second).expect("it is there");
    assert_eq!(list.remove_all(), 1);
    assert!(!fs::exists(&first).expect("/tmp can be read"));
    fs::write(&first, "").expect("/tmp can be written to");
    assert_eq!(list.remove_all(), 0);
    assert!(fs::exists(&first).expect("/tmp can be read"));
    fs::remove_file(first).expect("it is there");
}

#[test]
fn canceled_file_is_kept() {
    let list = leaked();
    let (kept, c) = path("kept");
    assert!(list.add(&c).expect("it is empty").cancel());
    assert_eq!(list.remove_all(), 0);
    assert!(fs::exists(&kept).expect("/tmp can be read"));
    let late = list.add(&c).expect("it is empty");
    assert_eq!(list.remove_all(), 1);
    assert!(!late.cancel());
}

#[test]
fn full_list_and_path_too_long_are_refused() {
    let list = leaked();
    let long = CString::new("x".repeat(256)).expect("it has no zero");
    assert!(list.add(&long).is_none());
    let fits = CString::new("x".repeat(255)).expect("it has no zero");
    let entries: Vec<_> = (0..32).map(|_| list.add(&fits)).collect();
    assert!(entries.iter().all(Option::is_some));
    assert!(list.add(&fits).is_none());
    list.reset_after_fork();
    assert!(list.add(&fits).is_some());
}
