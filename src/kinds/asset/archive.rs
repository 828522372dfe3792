//! Zip archives of assets. They are never unpacked in memory: each file is hashed as a stream.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use sha2::{Digest, Sha256};

/// Maximum bytes of an archive: the API accepts no more.
pub const LARGEST_ARCHIVE: usize = 6 << 20;
/// Maximum files in an archive. Nested archives are files like others.
pub const MOST_FILES: usize = 1000;
/// Maximum bytes of all its files once unpacked.
pub const MOST_UNPACKED: u64 = 64 << 20;
/// What is larger than [`SURELY_FINE`] unpacked, and compressed by more than this ratio, isn't a document.
pub const MOST_RATIO: u64 = 200;
/// Longest path of a file that the API accepts.
pub const LONGEST_PATH: usize = 512;

const SURELY_FINE: u64 = 1 << 20;
/// This much of `SKILL.md` is searched for its front matter.
const FRONT_MATTER: u64 = 64 << 10;
/// The reader keeps some 300 bytes for each entry of an archive's directory, before anyone can count them.
const MOST_DIRECTORY_ENTRIES: usize = 20 * MOST_FILES;

/// SHA-256 of a file.
pub type Sum = [u8; 32];
/// Checksums of files by path.
pub type Sums = BTreeMap<String, Sum>;

/// What is known about an archive.
#[derive(Debug, Default)]
pub struct Archive {
    /// What is in it.
    pub files: Sums,
    /// The beginning of its `SKILL.md`.
    pub skill: Option<String>,
}

/// Why an archive can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It isn't an archive, or is corrupt.
    #[error("it can't be read: {0}")]
    Broken(String),
    /// It has too many bytes.
    #[error("it has {0} bytes; the maximum is {LARGEST_ARCHIVE}")]
    TooLarge(usize),
    /// It has too many files.
    #[error("it has more than {MOST_FILES} files")]
    TooMany,
    /// It has too many bytes once unpacked.
    #[error("it has more than {MOST_UNPACKED} bytes unpacked")]
    TooMuch,
    /// A file is compressed so much that it can only be malicious.
    #[error("{path} unpacks to more than {MOST_RATIO} times its compressed size")]
    TooTight {
        /// The file.
        path: String,
    },
    /// A path is too long.
    #[error("the path of file {number} is longer than {LONGEST_PATH} bytes")]
    LongPath {
        /// Which file, counted from 1.
        number: usize,
    },
}

/// The checksum of a file.
pub fn sum(content: &[u8]) -> Sum {
    Sha256::digest(content).into()
}

/// Reads the archive in `bytes`. This takes up to a second of CPU time.
pub fn read(bytes: &[u8]) -> Result<Archive, Error> {
    if bytes.len() > LARGEST_ARCHIVE {
        return Err(Error::TooLarge(bytes.len()));
    }
    if directory_entries(bytes) > MOST_DIRECTORY_ENTRIES {
        return Err(Error::TooMany);
    }
    let broken = |error: zip::result::ZipError| Error::Broken(error.to_string());
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if zip.len() > MOST_FILES {
        return Err(Error::TooMany);
    }
    let mut archive = Archive::default();
    let mut left = MOST_UNPACKED;
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(broken)?;
        if file.is_dir() {
            continue;
        }
        let path = file.name().map_err(|error| Error::Broken(error.to_string()))?.into_owned();
        if path.len() > LONGEST_PATH {
            return Err(Error::LongPath { number: index + 1 });
        }
        let packed = file.compressed_size();
        let mut hashing = Hashing { path: &path, hash: Sha256::new(), packed, size: 0, left: &mut left };
        if path == "SKILL.md" {
            let mut start = Vec::new();
            let read = file.by_ref().take(FRONT_MATTER).read_to_end(&mut start);
            read.map_err(|error| Error::Broken(format!("{path}: {error}")))?;
            hashing.add(&start)?;
            archive.skill = Some(String::from_utf8_lossy(&start).into_owned());
        }
        hashing.add_all(&mut file)?;
        let sum = hashing.hash.finalize().into();
        archive.files.insert(path, sum);
    }
    Ok(archive)
}

struct Hashing<'a> {
    path: &'a str,
    hash: Sha256,
    packed: u64,
    size: u64,
    left: &'a mut u64,
}

impl Hashing<'_> {
    fn add(&mut self, part: &[u8]) -> Result<(), Error> {
        let more = part.len() as u64;
        self.size += more;
        *self.left = self.left.checked_sub(more).ok_or(Error::TooMuch)?;
        // The sizes that the archive states may be false; the compressed size can't be more than that of the archive.
        if self.size > SURELY_FINE && self.size / MOST_RATIO > self.packed {
            return Err(Error::TooTight { path: self.path.to_owned() });
        }
        self.hash.update(part);
        Ok(())
    }

    fn add_all(&mut self, file: &mut impl Read) -> Result<(), Error> {
        let mut buffer = [0; 16 << 10];
        loop {
            let read =
                file.read(&mut buffer).map_err(|error| Error::Broken(format!("{}: {error}", self.path)))?;
            match buffer.get(..read) {
                None | Some([]) => return Ok(()),
                Some(part) => self.add(part)?,
            }
        }
    }
}

/// How many entries a directory in it may have: those of nested archives are counted, too.
fn directory_entries(bytes: &[u8]) -> usize {
    bytes.windows(4).filter(|window| *window == b"PK\x01\x02").count()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in files {
            zip.start_file(path.as_str(), SimpleFileOptions::default()).expect("a file can be added");
            zip.write_all(content).expect("it can be written");
        }
        zip.finish().expect("it is complete").into_inner()
    }

    fn one(path: &str, content: Vec<u8>) -> Vec<u8> {
        archive(&[(path.to_owned(), content)])
    }

    /// Bytes that don't compress well.
    fn noise(length: usize) -> Vec<u8> {
        (0..length as u64).map(|at| sum(&at.to_le_bytes())[0]).collect()
    }

    #[test]
    fn an_archive_is_told_by_the_sums_of_its_files() {
        let skill = b"---\nname: one\n---\n".repeat(10_000);
        let inner = one("deep.txt", noise(100));
        let bytes = archive(&[
            ("SKILL.md".to_owned(), skill.clone()),
            ("a/inner.zip".to_owned(), inner.clone()),
            ("empty".to_owned(), Vec::new()),
        ]);
        let read = read(&bytes).expect("it is fine");
        assert_eq!(read.files["SKILL.md"], sum(&skill));
        assert_eq!(read.files["a/inner.zip"], sum(&inner), "an archive in it is only bytes");
        assert_eq!(read.files["empty"], sum(b""));
        let text = read.skill.expect("there is one");
        assert!(text.starts_with("---\nname: one") && text.len() == 64 << 10);
    }

    #[test]
    fn what_is_made_to_do_harm_is_refused_and_says_why() {
        let refused = |bytes: &[u8]| read(bytes).expect_err("it is refused").to_string();
        assert!(refused(b"no zip at all").contains("can't be read"));
        assert!(
            refused(&one("pad.bin", vec![0; 8 << 20])).contains("pad.bin unpacks to more than 200 times")
        );
        assert!(refused(&one(&"x".repeat(600), Vec::new())).contains("longer than 512"));
        assert!(refused(&vec![0; LARGEST_ARCHIVE + 1]).contains("6291457 bytes; the maximum is 6291456"));
        let many: Vec<_> = (0..=MOST_FILES).map(|number| (number.to_string(), Vec::new())).collect();
        assert!(refused(&archive(&many)).contains("more than 1000 files"));
        assert!(refused(&b"PK\x01\x02".repeat(MOST_DIRECTORY_ENTRIES + 1)).contains("more than 1000 files"));
        let mut cut = one("a.bin", noise(100_000));
        let middle = cut.len() / 2;
        cut[middle] ^= 0xff;
        assert!(refused(&cut).contains("can't be read"));
        assert!(read(&one("small", vec![0; 1 << 20])).is_ok(), "a megabyte of zeros does nobody harm");
    }
}
