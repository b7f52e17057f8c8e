//! The date that LibreOffice sees while it converts: the document's own, so that the same file gives the
//! same bytes whenever it is converted, and "today" in a letter stays the day it was made.
//!
//! The calls of the loaded libraries to the clock go through their tables of imported functions (the
//! "global offset tables" of ELF). [`interpose`] puts our functions there. Unlike symbols exported by the
//! program or a preloaded library, this holds in whatever program the worker is part of, however it was
//! linked, and leaves that program's own clock alone.

#![expect(
    unsafe_code,
    reason = "the tables of imported functions are reached through pointers of the dynamic linker"
)]

use nix::{
    libc::{
        CLOCK_REALTIME, CLOCK_REALTIME_COARSE, Elf64_Phdr, Elf64_Sym, PT_DYNAMIC, PT_GNU_RELRO,
        c_int, c_void, clockid_t, dl_iterate_phdr, dl_phdr_info, size_t, suseconds_t, time_t,
        timespec, timeval, timezone,
    },
    sys::mman::{ProtFlags, mprotect},
    unistd::{SysconfVar, sysconf},
};
use std::{
    ffi::{CStr, c_char},
    ptr::NonNull,
    sync::atomic::{AtomicI64, Ordering},
};

/// The real time is shown.
const REAL: i64 = i64::MIN;

/// The time shown to LibreOffice, in seconds since 1970.
static SHOWN: AtomicI64 = AtomicI64::new(REAL);

/// Shows `seconds` since 1970 to the interposed libraries from now on, in this process. Durations and
/// alarms follow other clocks, and are not changed.
pub fn show(seconds: i64) {
    SHOWN.store(seconds, Ordering::Relaxed);
}

fn shown() -> Option<i64> {
    Some(SHOWN.load(Ordering::Relaxed)).filter(|seconds| *seconds != REAL)
}

unsafe extern "C" fn our_clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    match shown() {
        Some(tv_sec) if [CLOCK_REALTIME, CLOCK_REALTIME_COARSE].contains(&clock) => {
            // SAFETY: the caller gives a place to write to, as to the function that this one replaces.
            unsafe { time.write(timespec { tv_sec, tv_nsec: 0 }) };
            0
        }
        // SAFETY: as above.
        _ => unsafe { nix::libc::clock_gettime(clock, time) },
    }
}

unsafe extern "C" fn our_gettimeofday(time: *mut timeval, zone: *mut timezone) -> c_int {
    match shown() {
        Some(tv_sec) if !time.is_null() => {
            let tv_usec: suseconds_t = 0;
            // SAFETY: the caller gives a place to write to, as to the function that this one replaces.
            unsafe { time.write(timeval { tv_sec, tv_usec }) };
            0
        }
        // SAFETY: as above.
        _ => unsafe { nix::libc::gettimeofday(time, zone.cast()) },
    }
}

unsafe extern "C" fn our_time(time: *mut time_t) -> time_t {
    let Some(seconds) = shown() else {
        // SAFETY: the caller's pointer is null or valid, as for the function that this one replaces.
        return unsafe { nix::libc::time(time) };
    };
    if !time.is_null() {
        // SAFETY: as above.
        unsafe { time.write(seconds) };
    }
    seconds
}

fn replacement(name: &CStr) -> Option<usize> {
    match name.to_bytes() {
        b"clock_gettime" => Some(our_clock_gettime as *const () as usize),
        b"gettimeofday" => Some(our_gettimeofday as *const () as usize),
        b"time" => Some(our_time as *const () as usize),
        _ => None,
    }
}

/// Has the libraries loaded so far ask us for the time, and says how many of their imports were replaced.
/// Must be called while the process has a single thread.
pub fn interpose() -> usize {
    let mut replaced = 0_usize;
    // SAFETY: the callback is called before this returns, with the address of `replaced`.
    unsafe {
        dl_iterate_phdr(Some(visit), (&raw mut replaced).cast());
    }
    replaced
}

unsafe extern "C" fn visit(info: *mut dl_phdr_info, _: size_t, replaced: *mut c_void) -> c_int {
    // SAFETY: the dynamic linker gives a description of a library that stays loaded, and `interpose` gives
    // the address of its count.
    unsafe {
        let name = CStr::from_ptr((*info).dlpi_name).to_bytes();
        // Nameless is this program itself, whose clock stays right; the others give the time.
        let giver = [&b"/libc.so"[..], b"/ld-linux", b"linux-vdso"];
        let is_giver = |part: &&[u8]| name.windows(part.len()).any(|window| window == *part);
        if !name.is_empty()
            && !giver.iter().any(is_giver)
            && let Some(library) = Library::of(&*info)
        {
            *replaced.cast::<usize>() += library.interpose();
        }
    }
    0
}

/// An entry of the dynamic section.
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

/// An import: where its address is kept, and which symbol it is.
#[repr(C)]
struct Import {
    offset: usize,
    info: u64,
    addend: i64,
}

/// What is needed of a loaded library.
struct Library {
    base: usize,
    read_only: std::ops::Range<usize>,
    symbols: *const Elf64_Sym,
    names: *const c_char,
    /// Address and size in bytes of each table of imports.
    imports: [(usize, usize); 2],
}

impl Library {
    unsafe fn of(info: &dl_phdr_info) -> Option<Self> {
        let base = usize::try_from(info.dlpi_addr).ok()?;
        // SAFETY: the dynamic linker gives the address and the number of the headers.
        let headers: &[Elf64_Phdr] =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let find = |kind| headers.iter().find(|header| header.p_type == kind);
        let at = |header: &Elf64_Phdr| Some(base + usize::try_from(header.p_vaddr).ok()?);
        let dynamic = at(find(PT_DYNAMIC)?)?;
        let read_only = match find(PT_GNU_RELRO) {
            Some(header) => at(header)?..at(header)? + usize::try_from(header.p_memsz).ok()?,
            None => 0..0,
        };
        let (mut names, mut symbols) = (0, 0);
        let mut imports = [(0, 0); 2];
        let mut entry = dynamic as *const Dynamic;
        // SAFETY: the section is an array that ends with a null tag.
        while let Dynamic { tag, value } = unsafe { &*entry }
            && *tag != 0
        {
            // The dynamic linker of some C libraries leaves these relative to the library.
            let address = if *value < base { base + value } else { *value };
            match tag {
                5 => names = address,         // DT_STRTAB
                6 => symbols = address,       // DT_SYMTAB
                7 => imports[0].0 = address,  // DT_RELA
                8 => imports[0].1 = *value,   // DT_RELASZ
                23 => imports[1].0 = address, // DT_JMPREL
                2 => imports[1].1 = *value,   // DT_PLTRELSZ
                _ => {}
            }
            // SAFETY: the null tag was not reached.
            entry = unsafe { entry.add(1) };
        }
        (names != 0 && symbols != 0).then_some(Self {
            base,
            read_only,
            symbols: symbols as *const Elf64_Sym,
            names: names as *const c_char,
            imports,
        })
    }

    unsafe fn interpose(&self) -> usize {
        let tables = self.imports.iter().filter(|(address, _)| *address != 0);
        tables
            .flat_map(|(address, size)| {
                // SAFETY: the library's own description of its table, which stays loaded.
                let table: &[Import] = unsafe {
                    std::slice::from_raw_parts(
                        *address as *const Import,
                        size / size_of::<Import>(),
                    )
                };
                table
            })
            .filter(|import| {
                // SAFETY: imports name symbols of the library's own table.
                unsafe { self.replace(import) }.is_some()
            })
            .count()
    }

    unsafe fn replace(&self, import: &Import) -> Option<()> {
        let index = usize::try_from(import.info >> 32).ok()?;
        if index == 0 {
            return None;
        }
        // SAFETY: the index is one of the library's table, and its name one of its own strings.
        let ours = unsafe {
            let symbol = &*self.symbols.add(index);
            let imported = symbol.st_shndx == 0;
            let name = CStr::from_ptr(self.names.add(symbol.st_name as usize));
            imported.then(|| replacement(name))
        }??;
        let slot = self.base + import.offset;
        let page_size = usize::try_from(sysconf(SysconfVar::PAGE_SIZE).ok()??).ok()?;
        let page = NonNull::new((slot & !(page_size - 1)) as *mut c_void)?;
        // SAFETY: the slot holds the address of the function, which only this thread can be calling; its
        // page is made read-only again where it was.
        unsafe {
            mprotect(
                page,
                page_size,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
            )
            .ok()?;
            (slot as *mut usize).write(ours);
            if self.read_only.contains(&slot) {
                let _ = mprotect(page, page_size, ProtFlags::PROT_READ);
            }
        }
        Some(())
    }
}
