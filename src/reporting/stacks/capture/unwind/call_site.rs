//! Tells return addresses from other values, by the instruction before them.

/// The longest call instruction.
pub(super) const LONGEST_CALL: usize = 7;

/// Returns `true` if `code`, the bytes before an address, ends with a call.
#[cfg(target_arch = "x86_64")]
pub(super) fn ends_with_call(code: &[u8]) -> bool {
    /// `call` of an address in a register or in memory.
    const INDIRECT: u8 = 0xff;
    /// `call` of a distance in four bytes.
    const DIRECT: u8 = 0xe8;
    let back = |bytes: usize| code.len().checked_sub(bytes).map(|at| &code[at..]);
    if back(5).is_some_and(|code| code[0] == DIRECT) {
        return true;
    }
    (2..=LONGEST_CALL).any(|len| {
        let Some([INDIRECT, form, ..]) = back(len) else {
            return false;
        };
        // Three bits of the second byte say that it is a call, and the others how
        // long it is.
        let (mode, operation, register) = (form >> 6, form >> 3 & 7, form & 7);
        let base = match (mode, register) {
            (3, _) => 2,
            (_, 4) => 3,
            _ => 2,
        };
        let distance = match (mode, register) {
            (1, _) => 1,
            (2, _) | (0, 5) => 4,
            (0, 4) => match back(len).and_then(|code| code.get(2)) {
                Some(scale) if scale & 7 == 5 => 4,
                _ => 0,
            },
            _ => 0,
        };
        operation == 2 && len == base + distance
    })
}

/// Returns `true` if `code`, the bytes before an address, ends with a call.
#[cfg(target_arch = "aarch64")]
pub(super) fn ends_with_call(code: &[u8]) -> bool {
    let Some(last) = code.last_chunk::<4>() else {
        return false;
    };
    let instruction = u32::from_le_bytes(*last);
    let is_bl = instruction & 0xfc00_0000 == 0x9400_0000;
    // With or without authentication of the pointer.
    let is_blr = instruction & 0xfeff_f000 == 0xd63f_0000;
    is_bl || is_blr
}

/// Returns the address that is called by the call with which `code`, the bytes before
/// `address`, ends; `None` if it ends with no call, or one through a register or memory.
#[cfg(target_arch = "x86_64")]
pub(super) fn called_from(code: &[u8], address: u64) -> Option<u64> {
    let [0xe8, distance @ ..] = code.last_chunk::<5>()? else {
        return None;
    };
    let distance = i32::from_le_bytes(*distance);
    Some(address.wrapping_add_signed(distance.into()))
}

/// Returns the address that is called by the call with which `code`, the bytes before
/// `address`, ends; `None` if it ends with no call, or one through a register.
#[cfg(target_arch = "aarch64")]
pub(super) fn called_from(code: &[u8], address: u64) -> Option<u64> {
    let instruction = u32::from_le_bytes(*code.last_chunk::<4>()?);
    if instruction & 0xfc00_0000 != 0x9400_0000 {
        return None;
    }
    // 26 bits with a sign, in units of four bytes, from the call itself.
    let distance = ((instruction << 6) as i32) >> 4;
    Some(address.wrapping_sub(4).wrapping_add_signed(distance.into()))
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;

    #[test]
    fn call_instruction_is_recognized_by_its_length() {
        let calls: [&[u8]; 9] = [
            &[0xe8, 1, 2, 3, 4],
            &[0xff, 0xd0],
            &[0x41, 0xff, 0xd4],
            &[0xff, 0x10],
            &[0xff, 0x50, 0x18],
            &[0xff, 0x14, 0xc8],
            &[0xff, 0x15, 1, 2, 3, 4],
            &[0xff, 0x94, 0x24, 1, 2, 3, 4],
            &[0xff, 0x14, 0xc5, 1, 2, 3, 4],
        ];
        for call in calls {
            let mut code = vec![0x90; 8];
            code.extend(call);
            assert!(ends_with_call(&code), "{call:x?}");
        }
    }

    #[test]
    fn call_target_is_relative_to_the_next_instruction() {
        assert_eq!(
            called_from(&[0x90, 0xe8, 0x10, 0, 0, 0], 0x1000),
            Some(0x1010)
        );
        assert_eq!(
            called_from(&[0xe8, 0xf0, 0xff, 0xff, 0xff], 0x1000),
            Some(0xff0)
        );
        assert_eq!(called_from(&[0xff, 0x15, 1, 2, 3, 4], 0x1000), None);
        assert_eq!(called_from(&[0xe8, 1, 2], 0x1000), None);
    }

    #[test]
    fn other_instructions_are_not_calls() {
        for code in [
            &[0x90; 8][..],
            &[0xff, 0xe0],
            &[0xff, 0x15, 1, 2],
            &[0xe8],
            &[],
        ] {
            assert!(!ends_with_call(code), "{code:x?}");
        }
    }
}
