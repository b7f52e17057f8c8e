//! What is asked of the API. The names are those of its published schema.

/// The dossiers of a démarche that changed, the oldest first.
pub(super) const CHANGED: &str = "
query Changed($demarche: Int!, $since: ISO8601DateTime, $after: String) {
  demarche(number: $demarche) {
    dossiers(first: 100, after: $after, order: ASC, updatedSince: $since) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number
        state
        dateDerniereModification
        dateTraitement
        usager { email }
        demandeur {
          __typename
          ... on PersonnePhysique { nom prenom email }
          ... on PersonneMorale {
            siret
            entreprise { raisonSociale nom prenom }
            association { rna titre }
            address { streetAddress postalCode cityName }
          }
          ... on PersonneMoraleIncomplete { siret }
        }
        champs { label stringValue }
        annotations { label stringValue }
      }
    }
  }
}";

/// The fields of a démarche.
pub(super) const FIELDS: &str = "
query Fields($demarche: Int!) {
  demarche(number: $demarche) {
    title
    activeRevision {
      champDescriptors { label }
      annotationDescriptors { label }
    }
  }
}";

/// Whether anybody answers.
pub(super) const ANYBODY: &str = "query Anybody { __typename }";

/// What a dossier has already.
pub(super) const DOSSIER: &str = "
query Dossier($number: Int!) {
  dossier(number: $number) {
    id
    state
    messages { id attachments { checksum } }
  }
}";

/// Where to send the bytes of a file.
pub(super) const UPLOAD: &str = "
mutation Upload($input: CreateDirectUploadInput!) {
  payload: createDirectUpload(input: $input) {
    directUpload { url headers signedBlobId }
  }
}";

/// A message to the applicant.
pub(super) const MESSAGE: &str = "
mutation Message($input: DossierEnvoyerMessageInput!) {
  payload: dossierEnvoyerMessage(input: $input) { message { id } errors { message } }
}";

/// A change of state.
pub(super) const INSTRUCT: &str = "
mutation Instruct($input: DossierPasserEnInstructionInput!) {
  payload: dossierPasserEnInstruction(input: $input) { errors { message } }
}";

/// See `INSTRUCT`.
pub(super) const ACCEPT: &str = "
mutation Accept($input: DossierAccepterInput!) {
  payload: dossierAccepter(input: $input) { errors { message } }
}";

/// See `INSTRUCT`.
pub(super) const REFUSE: &str = "
mutation Refuse($input: DossierRefuserInput!) {
  payload: dossierRefuser(input: $input) { errors { message } }
}";

/// See `INSTRUCT`.
pub(super) const DROP: &str = "
mutation Drop($input: DossierClasserSansSuiteInput!) {
  payload: dossierClasserSansSuite(input: $input) { errors { message } }
}";
