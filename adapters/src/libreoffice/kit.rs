//! The few functions of LibreOfficeKit that the PDF worker needs: with `clock.rs`, the only unsafe code of the
//! crate.
//!
//! LibreOfficeKit is a C interface found at run time in the installed LibreOffice: an office object whose
//! first field points to a table of functions. The tables below repeat, in order, the head of the
//! interface that every version since 5.2 has kept; what comes later is never touched.

#![expect(
    unsafe_code,
    reason = "LibreOfficeKit is a C interface, and fork has no safe form"
)]

use super::installation::Installation;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, fork},
};
use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    time::Duration,
};

#[repr(C)]
struct Office {
    class: *const OfficeClass,
}

#[repr(C)]
struct OfficeClass {
    size: usize,
    destroy: unsafe extern "C" fn(*mut Office),
    document_load: *const c_void,
    get_error: unsafe extern "C" fn(*mut Office) -> *mut c_char,
    document_load_with_options:
        unsafe extern "C" fn(*mut Office, *const c_char, *const c_char) -> *mut Document,
    free_error: unsafe extern "C" fn(*mut c_char),
    register_callback: *const c_void,
    get_filter_types: *const c_void,
    set_optional_features: *const c_void,
    set_document_password: *const c_void,
    get_version_info: *const c_void,
    run_macro: *const c_void,
    sign_document: *const c_void,
    run_loop: unsafe extern "C" fn(*mut Office, Poll, Wake, *mut c_void),
}

#[repr(C)]
struct Document {
    class: *const DocumentClass,
}

#[repr(C)]
struct DocumentClass {
    size: usize,
    destroy: unsafe extern "C" fn(*mut Document),
    save_as:
        unsafe extern "C" fn(*mut Document, *const c_char, *const c_char, *const c_char) -> c_int,
}

type Poll = unsafe extern "C" fn(*mut c_void, c_int) -> c_int;
type Wake = unsafe extern "C" fn(*mut c_void);
type Hook = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut Office;

/// Why LibreOfficeKit did not do its work; for an engineer.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// No LibreOffice with LibreOfficeKit on this machine.
    #[error("no LibreOfficeKit in the LibreOffice of this machine")]
    Missing,
    /// The library is there and does not start.
    #[error("LibreOfficeKit does not start: {0}")]
    Start(String),
    /// The document could not be opened.
    #[error("LibreOffice cannot open the document: {0}")]
    Load(String),
    /// The document was opened and could not be exported.
    #[error("LibreOffice cannot export the document: {0}")]
    Save(String),
}

/// What takes its turn each time LibreOffice has nothing to do.
pub trait Turn {
    /// May wait at most `patience` (for ever when `None`) for work, and do it.
    fn turn(&mut self, kit: &Kit, patience: Option<Duration>);
}

/// A LibreOffice running inside this process.
pub struct Kit {
    office: *mut Office,
}

impl Kit {
    /// Starts the LibreOffice of `installation` with the profile at `profile_url` (`file:///…`).
    pub fn start(installation: &Installation, profile_url: &str) -> Result<Self, KitError> {
        let library = installation.library().ok_or(KitError::Missing)?;
        let folder = c_string(&installation.program().to_string_lossy())?;
        let profile = c_string(profile_url)?;
        // SAFETY: the library is LibreOffice's own, its entry point has this signature since 4.3, and the
        // library is never unloaded (`forget`), so the functions it hands out stay valid.
        let office = unsafe {
            let library = Library::open(Some(&library), RTLD_LAZY | RTLD_GLOBAL)
                .map_err(|error| KitError::Start(error.to_string()))?;
            let hook = library
                .get::<Hook>(b"libreofficekit_hook_2\0")
                .map_err(|error| KitError::Start(error.to_string()))?;
            let office = hook(folder.as_ptr(), profile.as_ptr());
            std::mem::forget(library);
            office
        };
        if office.is_null() {
            return Err(KitError::Start("no office object".into()));
        }
        let kit = Self { office };
        if kit.class().size < size_of::<OfficeClass>() {
            return Err(KitError::Start("this version is too old".into()));
        }
        Ok(kit)
    }

    fn class(&self) -> &OfficeClass {
        // SAFETY: `office` came from the hook, is not null and is never destroyed.
        unsafe { &*(*self.office).class }
    }

    /// Runs LibreOffice's main loop in this thread, giving `turns` its turn whenever it is idle.
    pub fn run(&self, turns: &mut dyn Turn) {
        let mut looped = Looped {
            kit: self,
            turns,
            busy: false,
        };
        // SAFETY: the loop runs in this call only, so `looped` outlives every callback.
        unsafe {
            (self.class().run_loop)(self.office, poll, wake, (&raw mut looped).cast());
        }
    }

    /// Opens the document at `source_url`.
    pub fn open(&self, source_url: &str) -> Result<OpenDocument<'_>, KitError> {
        let source = c_string(source_url)?;
        let options = c_string("Language=fr-FR")?;
        // SAFETY: the strings live through the call.
        let document = unsafe {
            (self.class().document_load_with_options)(
                self.office,
                source.as_ptr(),
                options.as_ptr(),
            )
        };
        if document.is_null() {
            return Err(KitError::Load(self.last_error()));
        }
        Ok(OpenDocument {
            kit: self,
            document,
        })
    }

    fn last_error(&self) -> String {
        // SAFETY: the text is LibreOffice's own, ended by a zero, and freed once by its own function.
        unsafe {
            let text = (self.class().get_error)(self.office);
            if text.is_null() {
                return "no reason given".into();
            }
            let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
            (self.class().free_error)(text);
            owned
        }
    }
}

/// A document that LibreOffice has open, and closes when this is dropped.
pub struct OpenDocument<'a> {
    kit: &'a Kit,
    document: *mut Document,
}

impl OpenDocument<'_> {
    /// Exports it to `target_url`.
    pub fn export(&self, target_url: &str, format: &str, options: &str) -> Result<(), KitError> {
        let target = c_string(target_url)?;
        let (format, options) = (c_string(format)?, c_string(options)?);
        // SAFETY: the strings live through the call, and the document is open until the drop.
        let saved = unsafe {
            let class = &*(*self.document).class;
            (class.save_as)(
                self.document,
                target.as_ptr(),
                format.as_ptr(),
                options.as_ptr(),
            )
        };
        if saved == 0 {
            return Err(KitError::Save(self.kit.last_error()));
        }
        Ok(())
    }
}

impl Drop for OpenDocument<'_> {
    fn drop(&mut self) {
        // SAFETY: the document is destroyed once, here.
        unsafe { ((*(*self.document).class).destroy)(self.document) };
    }
}

struct Looped<'a> {
    kit: &'a Kit,
    turns: &'a mut dyn Turn,
    busy: bool,
}

unsafe extern "C" fn poll(data: *mut c_void, timeout_us: c_int) -> c_int {
    // SAFETY: `data` is the `Looped` of `Kit::run`; the loop is single-threaded, and `busy` is read through
    // the pointer so that no second exclusive reference exists while a turn is running.
    unsafe {
        let looped = data.cast::<Looped<'_>>();
        if timeout_us == 0 || (*looped).busy {
            return 0;
        }
        (*looped).busy = true;
        let patience = u64::try_from(timeout_us).ok().map(Duration::from_micros);
        let kit = (*looped).kit;
        (*looped).turns.turn(kit, patience);
        (*looped).busy = false;
    }
    0
}

unsafe extern "C" fn wake(_data: *mut c_void) {}

/// Runs `work` in a copy of this process, which ends with the exit code it returns, and waits for it.
pub fn in_child(work: impl FnOnce() -> i32) -> nix::Result<WaitStatus> {
    // SAFETY: the worker has one thread, so the child inherits a consistent process; it leaves by `_exit`.
    match unsafe { fork() }? {
        ForkResult::Child => leave(work()),
        ForkResult::Parent { child } => waitpid(child, None),
    }
}

/// Ends the process at once, without LibreOffice's own goodbyes, which may hang.
pub fn leave(code: i32) -> ! {
    // SAFETY: `_exit` has no precondition.
    unsafe { nix::libc::_exit(code) }
}

fn c_string(text: &str) -> Result<CString, KitError> {
    CString::new(text).map_err(|error| KitError::Start(error.to_string()))
}
