//! What this process has used, as the kernel tells it. Start at [`read`].
//!
//! Time on a core is POSIX's process clock; the rest is Linux's `/proc/self` (proc(5)), and absent elsewhere.

use std::time::Duration;

use crate::app::cost::Usage;

/// The present totals. A few small files in memory are read: some 50 µs.
pub fn read() -> Usage {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    Usage {
        cpu: cpu(),
        wakes: wakes(),
        // in KiB, whatever the page size
        resident: field(&status, "VmRSS:").map(|kib| kib * 1_024),
        threads: field(&status, "Threads:").and_then(|count| usize::try_from(count).ok()),
    }
}

fn cpu() -> Option<Duration> {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).ok()
}

/// Voluntary context switches of all threads: each is a sleep that something ended. Those of threads that have ended
/// are not among them.
fn wakes() -> Option<u64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let mut sum = None;
    for task in tasks.flatten() {
        // A thread may end while it is read.
        let Ok(status) = std::fs::read_to_string(task.path().join("status")) else {
            continue;
        };
        if let Some(count) = field(&status, "voluntary_ctxt_switches:") {
            sum = Some(sum.unwrap_or(0) + count);
        }
    }
    sum
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_the_first_number_behind_its_own_name() {
        let status =
            "Threads:\t7\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t900\nVmRSS:\t 2048 kB\n";
        assert_eq!(field(status, "Threads:"), Some(7));
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(12));
        assert_eq!(field(status, "VmRSS:"), Some(2_048));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_tells_of_this_process_all_that_is_asked() {
        let before = read();
        assert!(before.resident.is_some_and(|bytes| bytes > 1 << 20), "{before:?}");
        assert!(before.threads.is_some_and(|count| count > 0), "{before:?}");
        assert!(before.wakes.is_some(), "{before:?}");
        let after = read();
        assert!(after.cpu > before.cpu, "{before:?} {after:?}");
    }
}
