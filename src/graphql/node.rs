//! Any object by one id.

use super::{
    export_schedules::ExportSchedule,
    exports::{Export, ExportModel},
    faults,
    loaders::{
        self, AttachmentById, BatchById, ChainVersion, DocumentById, DossierById, EffectById,
        EntryAt, ExportById, ExportModelById, ExportScheduleById, ImageVersion, SelectionById,
        SignatureById, TemplateVersion, ThirdPartyById, TriggerById,
    },
    objects::{
        Attachment, Batch, Chain, Document, Dossier, Effect, Selection, Signature, Template,
        ThirdParty,
    },
    triggers::Trigger,
};
use async_graphql::{Context, Error, ID, Interface, Result};
use navette_projections::{global, images::ImageRow, page::LONGEST, timeline::TimelineRow};

/// What has an id that is like no other's.
#[derive(Interface)]
#[graphql(field(name = "node_id", ty = "ID", desc = "Its global id."))]
pub enum Node {
    /// A dossier.
    Dossier(Dossier),
    /// A third party.
    ThirdParty(ThirdParty),
    /// A document.
    Document(Document),
    /// A passage at the signing desk.
    Signature(Signature),
    /// A batch.
    Batch(Batch),
    /// A version of a chain.
    Chain(Chain),
    /// A version of a template.
    Template(Template),
    /// Outside work that is not done yet.
    Effect(Effect),
    /// A selection of dossiers.
    Selection(Selection),
    /// Rows of dossiers that leave as a file.
    Export(Export),
    /// A format and columns that somebody keeps.
    ExportModel(ExportModel),
    /// An export that is made again and again.
    ExportSchedule(ExportSchedule),
    /// What starts a chain without a clerk.
    Trigger(Trigger),
    /// A version of an image.
    Image(ImageRow),
    /// A file that was added to a dossier.
    Attachment(Attachment),
    /// One thing that happened.
    TimelineEntry(TimelineRow),
}

/// The object of this id, if there is one and it is seen.
pub async fn load(context: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((kind, key)) = global::parse(id) else {
        return Err(faults::bad_request("`id` is no `nodeId`"));
    };
    macro_rules! by_key {
        ($key:expr, $shown:ident, $node:ident) => {
            match $key {
                Some(key) => loaders::load(context, key)
                    .await?
                    .map(|row| Node::$node($shown::from(row))),
                None => None,
            }
        };
    }
    let uuid = || key.parse().ok();
    let version = || {
        let (id, version) = key.split_once(':')?;
        Some((id.parse().ok()?, version.parse().ok()?))
    };
    let template = || version().map(|(id, version)| TemplateVersion { id, version });
    let image = || version().map(|(id, version)| ImageVersion { id, version });
    let chain = || version().map(|(id, version)| ChainVersion { id, version });
    Ok(match kind.as_str() {
        "Dossier" => by_key!(uuid().map(DossierById), Dossier, Dossier),
        "ThirdParty" => by_key!(uuid().map(ThirdPartyById), ThirdParty, ThirdParty),
        "Document" => by_key!(uuid().map(DocumentById), Document, Document),
        "Signature" => by_key!(uuid().map(SignatureById), Signature, Signature),
        "Batch" => by_key!(uuid().map(BatchById), Batch, Batch),
        "Effect" => by_key!(uuid().map(EffectById), Effect, Effect),
        "Selection" => by_key!(uuid().map(SelectionById), Selection, Selection),
        "Export" => by_key!(uuid().map(ExportById), Export, Export),
        "ExportModel" => by_key!(uuid().map(ExportModelById), ExportModel, ExportModel),
        "ExportSchedule" => by_key!(
            uuid().map(ExportScheduleById),
            ExportSchedule,
            ExportSchedule
        ),
        "Trigger" => by_key!(uuid().map(TriggerById), Trigger, Trigger),
        "Image" => by_key!(image(), ImageRow, Image),
        "Attachment" => by_key!(uuid().map(AttachmentById), Attachment, Attachment),
        "Template" => by_key!(template(), Template, Template),
        "Chain" => by_key!(chain(), Chain, Chain),
        "TimelineEntry" => by_key!(key.parse().ok().map(EntryAt), TimelineRow, TimelineEntry),
        _ => None,
    })
}

/// More objects than a page has.
pub fn too_many() -> Error {
    faults::bad_request(format!("`ids` names at most {LONGEST} objects"))
}
