//! From the events of released versions to those of this one, in list order. The list only grows.

use cqrs_es::persist::{EventUpcaster, SerializedEvent};

/// Every upcaster there is. None yet: no event has changed since the first release.
pub(super) fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    vec![]
}

/// `event` as this version writes it.
pub(super) fn upcast(
    event: SerializedEvent,
    upcasters: &[Box<dyn EventUpcaster>],
) -> SerializedEvent {
    upcasters.iter().fold(event, |event, upcaster| {
        if upcaster.can_upcast(&event.event_type, &event.event_version) {
            upcaster.upcast(event)
        } else {
            event
        }
    })
}
