//! Programs that the user has installed.

use std::env;
use std::path::PathBuf;

/// The program of this name that the shell would run.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::on_path;

    #[test]
    fn a_program_is_found_where_the_shell_finds_it() {
        assert!(on_path("sh").is_some_and(|file| file.ends_with("sh")));
        assert!(on_path("a-program-that-nobody-has").is_none());
    }
}
