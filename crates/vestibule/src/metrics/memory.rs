//! How much memory this process has.

/// Resident memory in bytes, where the system tells it.
pub(super) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    resident_in(&status)
}

/// The line `VmRSS:  1234 kB`.
fn resident_in(status: &str) -> Option<u64> {
    let amount = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = amount.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found() {
        assert_eq!(resident_in("Name:\tvestibule\nVmRSS:\t   12 kB\nVmData:\t 1 kB\n"), Some(12 * 1024));
        assert_eq!(resident_in("Name:\tvestibule\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_some() {
        assert!(resident() > Some(1024 * 1024));
    }
}
