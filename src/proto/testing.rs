//! [`Json`] over `serde_json`, for native tests only: the browser's own parser is not there.

use super::json::{Json, Member};

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(pub serde_json::Value);

impl Json for Value {
    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<Self> {
        self.0.as_object()?.get(name).cloned().map(Self)
    }

    fn as_str(&self) -> Option<String> {
        self.0.as_str().map(String::from)
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.as_f64().filter(|number| number.is_finite())
    }

    fn is_null(&self) -> bool {
        self.0.is_null()
    }

    fn is_object(&self) -> bool {
        self.0.is_object()
    }

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn object(members: &[(&str, Member<'_>)]) -> String {
        let text = |value: &str| serde_json::Value::from(value).to_string();
        let members: Vec<String> = members
            .iter()
            .map(|(name, member)| {
                let value = match member {
                    Member::Null => "null".into(),
                    Member::Text(value) => text(value),
                    Member::Int(value) => value.to_string(),
                    Member::Raw(value) => (*value).into(),
                };
                format!("{}:{value}", text(name))
            })
            .collect();
        format!("{{{}}}", members.join(","))
    }
}
