//! `dialects diff`: two dialects, setting by setting.

use dialect::settings::{self, Difference};
use serde_json::json;

use super::super::connection::Output;
use super::super::outcome::{CommandError, Printed};
use super::file::Text;
use crate::output::{self, OutputStyle};

/// Equal dialects are `Ok`, others `Failure::No`.
pub(super) fn between(ours: &Text, theirs: &Text, format: Output, style: OutputStyle) -> Result<Printed, CommandError> {
    let settings = |text: &Text| {
        // A file with mistakes has no meaning that could differ.
        let checked = text.dialect().and_then(|_| settings::of(&text.toml).map_err(|mistakes| text.refused(&mistakes)));
        checked.map_err(|failure| match failure {
            CommandError::No(told) => {
                CommandError::Input(format!("{} is no dialect\n{}", text.name, told.note.unwrap_or_default()))
            }
            other => other,
        })
    };
    let differences = settings::differences(&settings(ours)?, &settings(theirs)?);
    let text = match format {
        Output::Json => json(&differences),
        Output::Table | Output::Toml if differences.is_empty() => String::new(),
        Output::Table | Output::Toml => table(&differences, [&ours.name, &theirs.name], style),
    };
    let printed = Printed { text, note: None };
    if differences.is_empty() { Ok(printed) } else { Err(CommandError::No(printed)) }
}

fn table(differences: &[Difference], names: [&str; 2], style: OutputStyle) -> String {
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
    let row = |difference: &Difference| vec![difference.key.clone(), cell(&difference.ours), cell(&difference.theirs)];
    let rows: Vec<Vec<String>> = differences.iter().map(row).collect();
    output::table(&["KEY", names[0], names[1]], &rows, style)
}

fn json(differences: &[Difference]) -> String {
    let item = |Difference { key, ours, theirs }: &Difference| json!({ "key": key, "a": ours, "b": theirs });
    let data: Vec<_> = differences.iter().map(item).collect();
    format!("{:#}\n", json!({ "data": data }))
}
