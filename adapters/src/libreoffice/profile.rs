//! The profile that the worker's LibreOffice runs with: no macros, no link followed, nothing recovered.

use std::{fs, io, path::Path};

/// `(path, property, value)` of each setting.
const SETTINGS: [(&str, &str, &str); 13] = [
    (COMMON_SECURITY, "DisableMacrosExecution", "true"),
    (COMMON_SECURITY, "MacroSecurityLevel", "3"),
    (COMMON_SECURITY, "BlockUntrustedRefererLinks", "true"),
    (COMMON_SECURITY, "CheckDocumentEvents", "false"),
    (
        "/org.openoffice.Office.Common/Save/Document",
        "AutoSave",
        "false",
    ),
    (
        "/org.openoffice.Office.Common/Save/Document",
        "CreateBackup",
        "false",
    ),
    ("/org.openoffice.Office.Common/Misc", "UseLocking", "false"),
    (
        "/org.openoffice.Office.Recovery/RecoveryInfo",
        "Enabled",
        "false",
    ),
    // Never follow links: 0 is "never" for Writer, 1 is for Calc.
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "0"),
    ("/org.openoffice.Office.Calc/Content/Update", "Link", "1"),
    // The merge leaves formulas without a result: always recalculate.
    (
        "/org.openoffice.Office.Calc/Formula/Load",
        "ODFRecalcMode",
        "0",
    ),
    (
        "/org.openoffice.Office.Calc/Formula/Load",
        "OOXMLRecalcMode",
        "0",
    ),
    ("/org.openoffice.Setup/L10N", "ooSetupSystemLocale", "fr-FR"),
];

const COMMON_SECURITY: &str = "/org.openoffice.Office.Common/Security/Scripting";

/// Writes the profile under `folder`.
pub fn write(folder: &Path) -> io::Result<()> {
    use std::fmt::Write as _;
    let mut xcu = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<oor:items \
         xmlns:oor=\"http://openoffice.org/2001/registry\">\n",
    );
    for (path, property, value) in SETTINGS {
        let _ = writeln!(
            xcu,
            "<item oor:path=\"{path}\"><prop oor:name=\"{property}\" oor:op=\"fuse\">\
             <value>{value}</value></prop></item>"
        );
    }
    xcu.push_str("</oor:items>\n");
    let user = folder.join("user");
    fs::create_dir_all(&user)?;
    fs::write(user.join("registrymodifications.xcu"), xcu)
}
