//! Credentials as a service manager hands them over: a folder of files, each a variable by its name. They are in no
//! environment, so that nothing the daemon starts can inherit one, and in no file of the configuration.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;

use super::problem::{Problem, in_credentials};
use crate::files::reason;

/// The variable that names the folder, see `systemd.exec(5)`.
pub(super) const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Reads the folder that the environment names. What can't be the name of a variable is meant for somebody else.
pub(super) fn handed_over(
    environment: &[(String, String)],
    problems: &mut Vec<Problem>,
) -> Vec<(String, String)> {
    let folder = environment.iter().find(|(name, value)| name == DIRECTORY && !value.is_empty());
    let Some((_, folder)) = folder else { return Vec::new() };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let sentence = format!("{DIRECTORY} names {folder:?}, which can't be read: {}", reason(&error));
            problems.push(Problem::at("", sentence));
            return Vec::new();
        }
    };
    let files =
        entries.flatten().filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    let mut found = Vec::new();
    for (name, path) in files.filter(|(name, _)| is_name(name)) {
        match read(&path) {
            Ok(value) => found.push((name, value)),
            Err(wrong) => problems.push(Problem::at(&in_credentials(&name), wrong)),
        }
    }
    found
}

fn is_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text without the line break that editors and `echo` put at its end.
fn read(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        Err("is empty: write the value into its file".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn unreadable(error: &Error) -> String {
    match error.kind() {
        ErrorKind::InvalidData => "can't be read: it isn't UTF-8 text".to_owned(),
        _ => format!("can't be read: {}", reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use insta::assert_snapshot;
    use secrecy::ExposeSecret as _;

    use crate::config::{Config, ConfigErrors};

    const SECRET: &str = "correct-horse-battery-staple";

    /// Loads the configuration of a folder with these credentials.
    fn load(
        credentials: &[(&str, &[u8])],
        dotenv: &str,
        environment: &[(&str, &str)],
        file: &str,
    ) -> Result<Config, ConfigErrors> {
        let folder = tempfile::tempdir().unwrap();
        let handed_over = folder.path().join("credentials");
        fs::create_dir(&handed_over).unwrap();
        for (name, value) in credentials {
            fs::write(handed_over.join(name), value).unwrap();
        }
        fs::write(folder.path().join(".env"), dotenv).unwrap();
        fs::write(folder.path().join("config.toml"), file).unwrap();
        named(folder.path(), handed_over.to_str().unwrap(), environment)
    }

    fn named(folder: &Path, credentials: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let mut pairs = environment.to_vec();
        pairs.push(("CREDENTIALS_DIRECTORY", credentials));
        Config::load(
            None,
            folder,
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    fn secret(config: &Config) -> &str {
        config.require_secret().unwrap().expose_secret()
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_it() {
        for ending in ["", "\n", "\r\n"] {
            let text = format!("{SECRET}{ending}");
            let config = load(&[("WEBHOOK_SECRET", text.as_bytes())], "", &[], "").unwrap();
            assert_eq!(secret(&config), SECRET);
        }
        let two = format!("{SECRET}\n\n");
        assert_snapshot!(load(&[("WEBHOOK_SECRET", two.as_bytes())], "", &[], "").unwrap_err(), @"credential WEBHOOK_SECRET: webhooks.secret begins or ends with a space, or holds a line break");
    }

    #[test]
    fn a_credential_wins_over_dotenv_and_yields_to_the_environment() {
        let credential: &[(&str, &[u8])] = &[("WEBHOOK_SECRET", SECRET.as_bytes())];
        let other = "another-horse-battery-staple";
        let config = load(credential, &format!("WEBHOOK_SECRET={other}"), &[], "").unwrap();
        assert_eq!(secret(&config), SECRET);
        let config = load(credential, "", &[("WEBHOOK_SECRET", other)], "").unwrap();
        assert_eq!(secret(&config), other);
    }

    #[test]
    fn any_of_them_can_stand_in_a_value_and_set_a_key() {
        let credentials: &[(&str, &[u8])] = &[
            ("NOTIFY_SECRET", SECRET.as_bytes()),
            ("ORCHESTRATOR__SERVER__PORT", b"5001\n"),
            ("tls.key", b""),
        ];
        let config = load(credentials, "", &[], "[webhooks]\nnotify_secret = \"${NOTIFY_SECRET}\"").unwrap();
        assert_eq!(config.webhooks.notify_secret.unwrap().expose_secret(), SECRET);
        assert_eq!(config.server.port, 5001);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        let credentials: &[(&str, &[u8])] = &[
            ("ORCHESTRATOR__SERVER__PROT", b"5001"),
            ("PREVIOUS", b"\n"),
            ("TOKEN", b"\xff"),
            ("WEBHOOK_SECRET", b"too short"),
        ];
        assert_snapshot!(load(credentials, "", &[], "").unwrap_err(), @r"
        credential ORCHESTRATOR__SERVER__PROT: sets no key; did you mean ORCHESTRATOR__SERVER__PORT?
        credential PREVIOUS: is empty: write the value into its file
        credential TOKEN: can't be read: it isn't UTF-8 text
        credential WEBHOOK_SECRET: webhooks.secret has 9 characters, but must be a text of at least 16 characters (`openssl rand -hex 32` makes a good one)
        ");
        let folder = tempfile::tempdir().unwrap();
        assert_snapshot!(named(folder.path(), "/nowhere", &[]).unwrap_err(), @r#"CREDENTIALS_DIRECTORY names "/nowhere", which can't be read: no such file or directory"#);
    }
}
