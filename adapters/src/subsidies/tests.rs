//! All the real files, and the cases they lack.
