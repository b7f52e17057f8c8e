//! Pictures: images given by name, QR codes, barcodes.

use super::{invalid, noted, text_of};
use crate::merge::{
    engine,
    pictures::{Image, Length, Picture, bars, qr},
    values::Recorder,
};
use minijinja::{Environment, Error, State, Value, value::Kwargs};

/// The sides of a code whose size is not given.
const QR_SIDE: Length = Length::millimetres(25);
const BARS_WIDTH: Length = Length::millimetres(60);
const BARS_HEIGHT: Length = Length::millimetres(12);

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("image", image);
    environment.add_filter("qr", |value: &Value, options: Kwargs| {
        let side = length(&options, "taille")?.unwrap_or(QR_SIDE);
        options.assert_all_used()?;
        code(value, "Code QR", qr, (side, side))
    });
    environment.add_filter("code128", |value: &Value, options: Kwargs| {
        let width = length(&options, "largeur")?.unwrap_or(BARS_WIDTH);
        let height = length(&options, "hauteur")?.unwrap_or(BARS_HEIGHT);
        options.assert_all_used()?;
        code(value, "Code-barres", bars, (width, height))
    });
}

/// `images.logo|image(largeur="40mm")`, or a name in a text.
#[expect(
    clippy::needless_pass_by_value,
    reason = "minijinja gives options to filters by value"
)]
fn image(state: &State<'_, '_>, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let (width, height) = (length(&options, "largeur")?, length(&options, "hauteur")?);
    let description = options.get::<Option<String>>("description")?;
    options.assert_all_used()?;
    if noted(value) {
        return Ok(Value::from(""));
    }
    let recorder = Recorder::of(state).ok_or_else(|| invalid("aucune image ici"))?;
    let picture = match value.as_str() {
        Some(name) => Some(recorder.image(name.trim())?),
        None => engine::picture(value, &recorder)?,
    };
    let mut picture =
        picture.ok_or_else(|| invalid("« image » attend une image, ou le nom d'une image"))?;
    picture.width = width.or(picture.width);
    picture.height = height.or(picture.height);
    picture.description = description.unwrap_or(picture.description);
    Ok(Value::from_object(picture))
}

fn code(
    value: &Value,
    what: &str,
    draw: impl Fn(&str) -> Option<Image>,
    (width, height): (Length, Length),
) -> Result<Value, Error> {
    if noted(value) {
        return Ok(Value::from(""));
    }
    let text = text_of(value)?;
    let image = draw(&text).ok_or_else(|| {
        invalid("cette valeur est trop longue pour un code, ou a des caractères qu'il n'admet pas")
    })?;
    let mut picture = Picture::of(image, &format!("{what} {text}"));
    picture.width = Some(width);
    picture.height = Some(height);
    picture.stretches = true;
    Ok(Value::from_object(picture))
}

fn length(options: &Kwargs, name: &str) -> Result<Option<Length>, Error> {
    let Some(text) = options.get::<Option<&str>>(name)? else {
        return Ok(None);
    };
    let length = Length::parse(text).ok_or_else(|| {
        invalid(format!(
            "« {text} » n'est pas une taille : écrire par exemple {name}=\"25mm\""
        ))
    })?;
    Ok(Some(length))
}
