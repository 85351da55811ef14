//! Outputs that move something, and emergency stops, for K303, K305 and K306.

use crate::context::MapView;
use relay::{Channel, ChannelId};
use runtime::config::Output;

/// Outputs that move something: those behind a relay or with an actuator.
pub(super) fn driven<'m>(map: &'m MapView<'_>) -> Vec<(ChannelId, &'m Output, &'m Channel)> {
    let channels = &map.io.channels;
    let all = map.io.outputs.iter().filter_map(|output| {
        let id = channels.find(&output.name)?;
        Some((id, output, channels.channel(id)))
    });
    all.filter(|(_, output, channel)| channel.relay.is_some() || output.model.actuator.is_some()).collect()
}

/// Emergency stops of a map: marked as stops, and named so.
pub(super) fn emergency_stops<'m>(map: &'m MapView<'_>) -> impl Iterator<Item = &'m runtime::config::Input> {
    map.io.inputs.iter().filter(|input| {
        let name = input.name.to_lowercase();
        let called_so = ["estop", "e_stop", "emergency", "notaus", "not_aus", "nothalt", "not_halt"];
        input.stop && called_so.iter().any(|word| name.contains(word))
    })
}
