//! Secrets of channels: in an environment variable or in a private file, never
//! in the configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::SecretString;

use super::NotifyError;

/// Where a secret is.
pub(super) enum Place<'a> {
    Variable(&'a str),
    File(&'a Path),
}

impl<'a> Place<'a> {
    /// The one that is given, if any.
    pub(super) fn of(variable: Option<&'a String>, file: Option<&'a std::path::PathBuf>) -> Option<Self> {
        variable.map(|v| Self::Variable(v)).or_else(|| file.map(|f| Self::File(f)))
    }

    /// `what`: what it is, for messages.
    pub(super) fn read(&self, what: &'static str) -> Result<SecretString, NotifyError> {
        let text = match self {
            Self::Variable(variable) => {
                #[expect(clippy::disallowed_methods, reason = "a channel's secret is read when it is used")]
                let text = std::env::var(variable).unwrap_or_default();
                if text.trim().is_empty() {
                    return Err(NotifyError::Variable { what, variable: (*variable).to_owned() });
                }
                text
            }
            Self::File(path) => {
                let path = path.to_path_buf();
                let text = fs::metadata(&path)
                    .and_then(|about| Ok((about.permissions().mode(), fs::read_to_string(&path)?)));
                match text {
                    Ok((mode, _)) if mode & 0o077 != 0 => return Err(NotifyError::Mode { path }),
                    Ok((_, text)) if text.trim().is_empty() => {
                        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is empty");
                        return Err(NotifyError::File { what, path, error });
                    }
                    Ok((_, text)) => text,
                    Err(error) => return Err(NotifyError::File { what, path, error }),
                }
            }
        };
        Ok(SecretString::from(text.trim().to_owned()))
    }
}
