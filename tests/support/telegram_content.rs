//! What a message may show: text, entities and buttons, as Telegram takes them or refuses them.

use serde_json::{Map, Value, json};

use super::telegram_api::{Refusal, bad, decoded, text};
use super::telegram_html::{self, Entity, Parsed, units};

/// What a message shows.
pub(super) struct Content {
    text: String,
    entities: Vec<Value>,
    markup: Option<Value>,
}

impl Content {
    /// What a call wants shown.
    pub(super) fn given(parameters: &Map<String, Value>) -> Result<Self, Refusal> {
        let given = text(parameters, "text").unwrap_or_default();
        let mode = text(parameters, "parse_mode").unwrap_or_default();
        let parsed = match mode.to_lowercase().as_str() {
            "html" => telegram_html::parse(&given),
            "" => telegram_html::plain(&given),
            _ => Err("unsupported parse_mode".into()),
        };
        let Parsed { text, entities } = parsed.map_err(bad)?;
        let mut entities: Vec<Value> = entities.iter().map(shown).collect();
        if mode.is_empty() {
            entities = given_entities(parameters, &text)?;
        }
        let in_code = |command: &Value| {
            let begin = command["offset"].as_u64();
            let covers = |entity: &&Value| {
                ["code", "pre", "text_link"].contains(&entity["type"].as_str().unwrap())
                    && entity["offset"].as_u64() <= begin
                    && begin
                        < entity["offset"]
                            .as_u64()
                            .zip(entity["length"].as_u64())
                            .map(|(at, length)| at + length)
            };
            entities.iter().any(|entity| covers(&entity))
        };
        let commands: Vec<Value> = commands(&text).into_iter().filter(|command| !in_code(command)).collect();
        entities.extend(commands);
        entities
            .sort_by_key(|entity| (entity["offset"].as_u64(), std::cmp::Reverse(entity["length"].as_u64())));
        Ok(Self { text, entities, markup: keyboard(parameters)? })
    }

    /// What a message shows now, without its buttons.
    pub(super) fn of(message: &Value) -> Self {
        Self {
            text: message["text"].as_str().unwrap_or_default().to_owned(),
            entities: message["entities"].as_array().cloned().unwrap_or_default(),
            markup: None,
        }
    }

    pub(super) fn with_keyboard(self, parameters: &Map<String, Value>) -> Result<Self, Refusal> {
        Ok(Self { markup: keyboard(parameters)?, ..self })
    }

    pub(super) fn write_into(self, message: &mut Value) {
        let fields = message.as_object_mut().unwrap();
        fields.insert("text".into(), self.text.into());
        for (name, value) in [
            ("entities", (!self.entities.is_empty()).then(|| Value::from(self.entities))),
            ("reply_markup", self.markup),
        ] {
            fields.remove(name);
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
    }
}

fn shown(entity: &Entity) -> Value {
    let mut shown = json!({"type": entity.kind, "offset": entity.offset, "length": entity.length});
    if let Some(argument) = &entity.argument {
        let name = match entity.kind {
            "text_link" => "url",
            "pre" => "language",
            _ => "custom_emoji_id",
        };
        shown[name] = json!(argument);
    }
    shown
}

/// The entities that came with a plain text; what Telegram finds by itself is left to it.
fn given_entities(parameters: &Map<String, Value>, text: &str) -> Result<Vec<Value>, Refusal> {
    let given = parameters.get("entities").map(decoded).unwrap_or_default();
    let given = given.as_array().cloned().unwrap_or_default();
    let length = units(text);
    for entity in &given {
        let end =
            entity["offset"].as_u64().zip(entity["length"].as_u64()).map(|(offset, length)| offset + length);
        if end.is_none_or(|end| end > length as u64) {
            return Err(bad(format!("entity {entity} is outside of the text")));
        }
        let kind = entity["type"].as_str().unwrap_or_default();
        if ![
            "bold",
            "italic",
            "underline",
            "strikethrough",
            "spoiler",
            "code",
            "pre",
            "text_link",
            "blockquote",
        ]
        .contains(&kind)
            && !["bot_command", "url", "mention", "hashtag", "expandable_blockquote"].contains(&kind)
        {
            return Err(bad(format!("unsupported entity type \"{kind}\"")));
        }
    }
    Ok(given.into_iter().filter(|entity| entity["type"] != "bot_command").collect())
}

/// The commands in a text, which Telegram marks so that they can be tapped.
fn commands(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut offset = 0;
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    for (at, character) in text.char_indices() {
        let name: String = text[at + character.len_utf8()..]
            .chars()
            .take_while(|&character| {
                character.is_ascii_alphanumeric() || character == '_' || character == '@'
            })
            .collect();
        if character == '/' && !is_word(before) && !"/<>".contains(before) && !name.is_empty() {
            found.push(json!({"type": "bot_command", "offset": offset, "length": name.len() + 1}));
        }
        before = character;
        offset += character.len_utf16();
    }
    found
}

fn keyboard(parameters: &Map<String, Value>) -> Result<Option<Value>, Refusal> {
    let markup = parameters.get("reply_markup").map(decoded).filter(|markup| !markup.is_null());
    let Some(markup) = markup else { return Ok(None) };
    let rows = markup["inline_keyboard"].as_array().ok_or_else(|| bad("object expected as reply markup"))?;
    for button in rows.iter().flat_map(|row| row.as_array().into_iter().flatten()) {
        if button["text"].as_str().is_none_or(str::is_empty) {
            return Err(bad("can't parse inline keyboard button: Can't find field \"text\""));
        }
        match (button["callback_data"].as_str(), button["url"].as_str()) {
            (Some(data), None) if (1..=64).contains(&data.len()) => {}
            (Some(_), None) => return Err(bad("BUTTON_DATA_INVALID")),
            (None, Some(url)) if url.contains("://") => {}
            _ => {
                return Err(bad(
                    "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
                ));
            }
        }
    }
    Ok((!rows.is_empty()).then_some(markup))
}
