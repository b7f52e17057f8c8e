//! The simulated desk as any other caller meets it, in words that are not our adapter's.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

struct Caller {
    sim: IParapheurSim,
    ledger: Ledger,
}

impl Caller {
    async fn new() -> Self {
        let ledger = Ledger::default();
        let meddler = Meddler::default();
        let sim = IParapheurSim::start(ledger.clone(), meddler, Options::default());
        let sim = sim.await.unwrap();
        Self { sim, ledger }
    }

    /// Sends the body's content under prefixes of its own.
    async fn says(&self, content: &str) -> (u16, String) {
        let (login, password) = self.sim.account();
        let envelope = format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' \
             xmlns:p='http://www.adullact.org/spring-ws/iparapheur/1.0'>\
             <e:Body>{content}</e:Body></e:Envelope>"
        );
        let client = crate::http::client(Duration::from_secs(20))
            .build()
            .unwrap();
        let call = client
            .post(self.sim.url())
            .basic_auth(login, Some(password));
        let response = call.body(envelope).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn creates(&self, id: &str) -> String {
        // Any order, and without the elements that may be nil.
        let content = format!(
            "<p:CreerDossierRequest><p:DocumentPrincipal>JVBERg==</p:DocumentPrincipal>\
             <p:SousType>Notification</p:SousType><p:TypeTechnique>Courrier</p:TypeTechnique>\
             <p:Visibilite>PUBLIC</p:Visibilite><p:DossierID>{id}</p:DossierID>\
             </p:CreerDossierRequest>"
        );
        self.says(&content).await.1
    }
}

#[tokio::test]
async fn a_folder_is_created_from_elements_in_any_order() {
    let caller = Caller::new().await;
    let answer = caller.creates("abc").await;
    assert!(answer.contains("soumis dans le circuit"), "{answer}");
    assert!(!answer.contains("<DossierID>"), "{answer}");
    assert!(caller.creates("abc").await.contains("déjà présent"));
    assert_eq!(caller.ledger.entries().len(), 1);
}

#[tokio::test]
async fn an_id_left_empty_is_chosen_by_the_desk_and_told() {
    let caller = Caller::new().await;
    let answer = caller.creates("").await;
    let [id] = &caller.sim.running()[..] else {
        unreachable!("one folder runs");
    };
    assert!(
        answer.contains(&format!("<DossierID>{id}</DossierID>")),
        "{answer}"
    );
}

#[tokio::test]
async fn an_id_with_forbidden_characters_is_refused() {
    let caller = Caller::new().await;
    for id in ["a/b", "a:b", "a+b", "a%b"] {
        assert!(caller.creates(id).await.contains(">KO<"), "{id}");
    }
    assert_eq!(caller.sim.running(), [""; 0]);
}

#[tokio::test]
async fn the_spaces_around_an_id_do_not_count() {
    let caller = Caller::new().await;
    caller.creates("abc").await;
    let question = "<p:GetHistoDossierRequest>\n  abc\n</p:GetHistoDossierRequest>";
    let (status, answer) = caller.says(question).await;
    assert_eq!(status, 200);
    assert!(answer.contains("Emission du dossier"), "{answer}");
}

#[tokio::test]
async fn a_folder_that_was_not_rejected_is_not_erased_as_such() {
    let caller = Caller::new().await;
    caller.creates("abc").await;
    let order = "<p:EffacerDossierRejeteRequest>abc</p:EffacerDossierRejeteRequest>";
    assert!(caller.says(order).await.1.contains(">KO<"));
    caller.sim.reject("abc", "Non").unwrap();
    assert!(caller.says(order).await.1.contains(">OK<"));
    assert!(caller.says(order).await.1.contains("introuvable"));
}

#[tokio::test]
async fn what_is_not_an_operation_is_a_fault() {
    let caller = Caller::new().await;
    for nonsense in [
        "<p:DanserRequest/>",
        "<GetDossierRequest>a</GetDossierRequest>",
        "",
    ] {
        assert_eq!(caller.says(nonsense).await.0, 500, "{nonsense}");
    }
}
