//! Looks for secrets in every form in which they could have been written down.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use url::form_urlencoded;

/// Secrets by their names.
#[derive(Default)]
pub(crate) struct Canaries(Vec<(String, String)>);

impl Canaries {
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        assert!(value.len() >= 16, "the {name} {value:?} could be found by chance");
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// The key of the keyring, which may be in its own file and nowhere else.
    pub(crate) fn add_keyring(&mut self, data_directory: &Path) {
        let key = fs::read_to_string(data_directory.join("keyring")).expect("there is a keyring");
        self.add("keyring", key.trim());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(key.trim()).expect("a key is base64url");
        self.add("keyring in hexadecimal", &hexadecimal(&bytes));
        self.add("keyring in base64", &BASE64_STANDARD_NO_PAD.encode(&bytes));
    }

    #[track_caller]
    pub(crate) fn are_not_in_log(&self, log: &str) {
        for (name, value) in &self.0 {
            for form in forms(value) {
                let line = log.lines().find(|line| line.contains(&form));
                assert!(line.is_none(), "the {name} is in the log as {form}:\n{line:?}");
            }
        }
    }

    /// Looks through every file below, whatever is in it.
    #[track_caller]
    pub(crate) fn are_not_in(&self, directory: &Path) {
        let all: Vec<_> = self.0.iter().flat_map(|(_, value)| forms(value)).collect();
        let found = search(directory, &all);
        let (name, form) = self
            .0
            .iter()
            .flat_map(|(name, value)| forms(value).into_iter().map(move |form| (name, form)))
            .find(|(_, form)| found.contains(form))
            .unzip();
        assert_eq!(found, "", "the {name:?} is there as {form:?}");
    }
}

/// What of the patterns is in the files below, with the names of the files.
fn search(directory: &Path, patterns: &[String]) -> String {
    let list = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    fs::write(list.path(), patterns.join("\n")).expect("the patterns can be written");
    let output = Command::new("grep")
        .args(["--recursive", "--text", "--fixed-strings", "--only-matching", "--exclude=keyring", "--file"])
        .arg(list.path())
        .arg(directory)
        .env("LC_ALL", "C")
        .stderr(Stdio::inherit())
        .output()
        .expect("grep starts");
    // A database may remove a file while it is read, which grep reports as 2; what it found stands all the same.
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Plain, URL-encoded, hexadecimal, and base64 wherever it begins within something longer.
fn forms(value: &str) -> Vec<String> {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let hexadecimal = hexadecimal(value.as_bytes());
    let mut forms =
        vec![value.to_owned(), encoded.replace('+', "%20"), hexadecimal.to_uppercase(), hexadecimal, encoded];
    for offset in 0..3 {
        let shifted = [&b"\0\0"[..offset], value.as_bytes()].concat();
        // The first and the last characters depend on the neighbours too.
        let from = (offset * 8).div_ceil(6);
        let until = shifted.len() * 8 / 6;
        forms.push(BASE64_STANDARD_NO_PAD.encode(&shifted)[from..until].to_owned());
        forms.push(BASE64_URL_SAFE_NO_PAD.encode(&shifted)[from..until].to_owned());
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A search that finds nothing anywhere would find no leak either.
pub(crate) fn finds_every_form() {
    let secret = "canary secret+of/tests?";
    for written in [
        format!("a {secret} b"),
        "password=canary+secret%2Bof%2Ftests%3F&x".to_owned(),
        "password=canary%20secret%2Bof%2Ftests%3F".to_owned(),
        format!("x{}x", hexadecimal(secret.as_bytes())),
        format!("x{}x", hexadecimal(secret.as_bytes()).to_uppercase()),
        BASE64_STANDARD_NO_PAD.encode(format!("id:{secret}")),
        BASE64_STANDARD_NO_PAD.encode(format!("id2:{secret} ")),
        BASE64_URL_SAFE_NO_PAD.encode(format!("id34:{secret}  ")),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        fs::write(directory.path().join("database"), format!("\0\u{1}{written}\0"))
            .expect("it can be written");
        assert_ne!(search(directory.path(), &forms(secret)), "", "{written} is not found");
    }
}
