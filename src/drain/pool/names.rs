//! Names of a pool's threads.

/// Linux keeps this many bytes of a thread's name.
const LEN: usize = 15;

/// Returns "pool-N", with the pool's name cut so that the number is kept. Numbers begin
/// at 1.
pub(super) fn thread_name(pool: &str, number: usize) -> String {
    let suffix = format!("-{}", number + 1);
    let mut end = LEN.saturating_sub(suffix.len()).min(pool.len());
    while !pool.is_char_boundary(end) {
        end -= 1;
    }
    // A name with a zero byte is refused by `std`.
    let pool = pool[..end].replace('\0', "?");
    pool + &suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_cut_so_that_the_number_is_kept() {
        assert_eq!(thread_name("mailer", 0), "mailer-1");
        assert_eq!(
            thread_name("order confirmation mails", 9),
            "order confir-10"
        );
        assert_eq!(thread_name("ääääääää", 99), "äääää-100");
        assert_eq!(thread_name("a\0b", 0), "a?b-1");
    }
}
