//! A statement whose parameters are written into it as literals. PostgreSQL quotes them, so that nothing of
//! what was asked can be anything else than a value.

use sqlx::{Execute as _, PgConnection, Postgres, QueryBuilder};

/// The text of `query`, each `$n` being the value that was bound.
pub async fn written_in(
    connection: &mut PgConnection,
    mut query: QueryBuilder<'_, Postgres>,
) -> Result<String, sqlx::Error> {
    let mut built = query.build();
    let arguments = built.take_arguments().map_err(sqlx::Error::Encode)?;
    let arguments = arguments.unwrap_or_default();
    let text = built.sql().to_owned();
    drop(built);
    let count = sqlx::Arguments::len(&arguments);
    let literals: Vec<String> = (1..=count)
        .map(|n| format!("format('%L::%s', ${n}::text, pg_typeof(${n}))"))
        .collect();
    let asked = format!("SELECT ARRAY[{}]::text[]", literals.join(", "));
    let values: Vec<String> = sqlx::query_scalar_with(&asked, arguments)
        .fetch_one(connection)
        .await?;
    Ok(filled(&text, &values))
}

/// Puts the values in the places of `$1`, `$2` …
fn filled(text: &str, values: &[String]) -> String {
    let mut parts = text.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let value = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        if let Some(value) = value.and_then(|n| values.get(n)) {
            whole.push_str(value);
        } else {
            whole.push('$');
            whole.push_str(number);
        }
        whole.push_str(rest);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_their_numbers_were_even_those_that_look_like_numbers() {
        let values: Vec<String> = (1..=11).map(|n| format!("'${n}'::text")).collect();
        assert_eq!(
            filled("a = $1 AND b = $11 AND c ~ '^x$'", &values),
            "a = '$1'::text AND b = '$11'::text AND c ~ '^x$'"
        );
    }
}
