//! The C library's file calls, as this process finds them.
//!
//! # Safety
//! Each takes what the function of its name takes, and hands it to the system call that the C library would
//! make. The pointers are read as far as their callers promise to the function of that name.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libc::{c_char, c_int, c_long, c_void, mode_t, off_t, size_t, ssize_t};

use crate::record::{Change, Op};
use crate::watch::{self, InjectedFault, Watched};

type Watching = (Arc<Watched>, String);

#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: see above.
    unsafe { opened(path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: see above.
    unsafe { opened(path, flags | libc::O_LARGEFILE, mode) }
}

unsafe fn opened(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: see above.
    let call = || unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags, c_long::from(mode)) as c_int };
    if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 {
        return call();
    }
    // SAFETY: see above.
    let Some((watched, name)) = (unsafe { at_path(path) }) else { return call() };
    let mut state = watched.state();
    if let Some(failure) = state.failure(|failure| failure != InjectedFault::Short) {
        return fail(failure);
    }
    // SAFETY: see above.
    let is_new = unsafe { libc::syscall(libc::SYS_faccessat, libc::AT_FDCWD, path, libc::F_OK) } != 0;
    let fd = call();
    if fd >= 0 {
        if is_new {
            let file = state.make(inode(fd));
            state.note(|| Op::Create { name, file });
        } else if flags & libc::O_TRUNC != 0 {
            let file = state.file(inode(fd));
            state.note(|| Op::Change { file, change: Change::Resize { to: 0 } });
        }
    }
    fd
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: see above.
    let call = |length: size_t| unsafe { libc::syscall(libc::SYS_write, fd, bytes, length) as ssize_t };
    let at = || {
        // SAFETY: no memory is touched.
        unsafe { libc::syscall(libc::SYS_lseek, fd, 0, libc::SEEK_CUR) as off_t }
    };
    // SAFETY: see above.
    unsafe { written(fd, bytes, length, at, call) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, bytes: *const c_void, length: size_t, at: off_t) -> ssize_t {
    // SAFETY: see above.
    unsafe { pwrite64(fd, bytes, length, at) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, length: size_t, at: off_t) -> ssize_t {
    // SAFETY: see above.
    let call = |length: size_t| unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes, length, at) as ssize_t };
    // SAFETY: see above.
    unsafe { written(fd, bytes, length, || at, call) }
}

unsafe fn written(
    fd: c_int,
    bytes: *const c_void,
    length: size_t,
    at: impl FnOnce() -> off_t,
    call: impl FnOnce(size_t) -> ssize_t,
) -> ssize_t {
    let Some((watched, _)) = of_fd(fd) else { return call(length) };
    let mut state = watched.state();
    let length = match state.failure(|_| true) {
        Some(InjectedFault::Short) => length.div_ceil(2),
        Some(failure) => return fail(failure) as ssize_t,
        None => length,
    };
    let at = usize::try_from(at()).unwrap_or_default();
    let done = call(length);
    if let Ok(done @ 1..) = usize::try_from(done) {
        // SAFETY: the system has read that many of them.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), done) };
        let file = state.file(inode(fd));
        state.note(|| Op::Change { file, change: Change::Write { at, bytes: bytes.to_vec() } });
    }
    done
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread64(fd: c_int, bytes: *mut c_void, length: size_t, at: off_t) -> ssize_t {
    // SAFETY: see above.
    let call = || unsafe { libc::syscall(libc::SYS_pread64, fd, bytes, length, at) as ssize_t };
    let Some((watched, _)) = of_fd(fd) else { return call() };
    match watched.state().failure(|failure| matches!(failure, InjectedFault::Disk | InjectedFault::Interrupted)) {
        Some(failure) => fail(failure) as ssize_t,
        None => call(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn read(fd: c_int, bytes: *mut c_void, length: size_t) -> ssize_t {
    // SAFETY: see above.
    let call = || unsafe { libc::syscall(libc::SYS_read, fd, bytes, length) as ssize_t };
    let Some((watched, _)) = of_fd(fd) else { return call() };
    match watched.state().failure(|failure| matches!(failure, InjectedFault::Disk | InjectedFault::Interrupted)) {
        Some(failure) => fail(failure) as ssize_t,
        None => call(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    ftruncate64(fd, length)
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    // SAFETY: no memory is touched.
    let call = || unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) as c_int };
    let Some((watched, _)) = of_fd(fd) else { return call() };
    let mut state = watched.state();
    if let Some(failure) = state.failure(|failure| failure != InjectedFault::Short) {
        return fail(failure);
    }
    let done = call();
    if done == 0 {
        let (file, to) = (state.file(inode(fd)), usize::try_from(length).unwrap_or_default());
        state.note(|| Op::Change { file, change: Change::Resize { to } });
    }
    done
}

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, libc::SYS_fsync)
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, libc::SYS_fdatasync)
}

fn synced(fd: c_int, call: c_long) -> c_int {
    let Some((watched, name)) = of_fd(fd) else {
        // SAFETY: no memory is touched.
        return unsafe { libc::syscall(call, fd) as c_int };
    };
    let mut state = watched.state();
    if let Some(failure) = state.failure(|failure| failure != InjectedFault::Short) {
        return fail(failure);
    }
    let file = state.file(inode(fd));
    state.note(|| if name.is_empty() { Op::SyncDirectory } else { Op::Sync { file } });
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: see above.
    let call = || unsafe { libc::syscall(libc::SYS_renameat, libc::AT_FDCWD, from, libc::AT_FDCWD, to) as c_int };
    // SAFETY: see above.
    let (Some((watched, from)), Some((_, to))) = (unsafe { (at_path(from), at_path(to)) }) else { return call() };
    let mut state = watched.state();
    if let Some(failure) = state.failure(|failure| failure != InjectedFault::Short) {
        return fail(failure);
    }
    let done = call();
    if done == 0 {
        state.note(|| Op::Rename { from, to });
    }
    done
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: see above.
    let call = || unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) as c_int };
    // SAFETY: see above.
    let Some((watched, name)) = (unsafe { at_path(path) }) else { return call() };
    let mut state = watched.state();
    if let Some(failure) = state.failure(|failure| matches!(failure, InjectedFault::Disk)) {
        return fail(failure);
    }
    let done = call();
    if done == 0 {
        state.note(|| Op::Unlink { name });
    }
    done
}

/// True if the calls above are found in place of the C library's. Otherwise a sync reaches the real disk and is not
/// recorded.
pub fn are_found() -> bool {
    // The linker takes this file for them only if something here is called.
    let ours: extern "C" fn(c_int) -> c_int = fsync;
    let found: unsafe extern "C" fn(c_int) -> c_int = libc::fsync;
    ours as usize == found as usize
}

fn fail(failure: InjectedFault) -> c_int {
    let error = match failure {
        InjectedFault::Disk | InjectedFault::Short => libc::EIO,
        InjectedFault::Full => libc::ENOSPC,
        InjectedFault::Interrupted => libc::EINTR,
    };
    // SAFETY: it is this thread's own.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// The watch over an open file, and the file's name there.
fn of_fd(fd: c_int) -> Option<Watching> {
    if fd <= 2 || !watch::is_any() {
        return None;
    }
    let link = format!("/proc/self/fd/{fd}\0");
    let mut path = [0u8; 4096];
    // SAFETY: both are as long as is said.
    let length = unsafe { libc::readlink(link.as_ptr().cast(), path.as_mut_ptr().cast(), path.len()) };
    let path = path.get(..usize::try_from(length).ok()?)?;
    // A file that was removed while it is open has that behind its name.
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    counted(watch::watching(Path::new(OsStr::from_bytes(path)))?)
}

unsafe fn at_path(path: *const c_char) -> Option<Watching> {
    if !watch::is_any() {
        return None;
    }
    // SAFETY: it is a path that ends.
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()));
    let absolute: PathBuf = if path.is_absolute() { path.to_owned() } else { std::env::current_dir().ok()?.join(path) };
    counted(watch::watching(&absolute)?)
}

/// Leaves out files that are no matter of the disk: what SQLite shares in memory, and the lock.
fn counted((watched, name): Watching) -> Option<Watching> {
    (!name.ends_with("-shm") && !name.ends_with(".lock")).then_some((watched, name))
}

fn inode(fd: c_int) -> u64 {
    // SAFETY: a `stat` of zeroes is one, and the call fills it.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(fd, &raw mut stat);
        stat.st_ino
    }
}
