//! Fresh keys, from the system's randomness.

use std::io;

use super::Error;

/// A key that nobody guesses: 256 bits in hexadecimal.
pub(super) fn fresh_key() -> Result<String, Error> {
    let mut key = [0; 32];
    let filled = rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty());
    if filled.map_err(|error| Error::Random(error.into()))? < key.len() {
        return Err(Error::Random(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}
