//! What has no place in a line that people read.

/// Whether a character could end a line, command a terminal, or turn the order of what is read around.
pub fn misleads(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
