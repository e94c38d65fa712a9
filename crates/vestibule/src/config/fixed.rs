//! What cannot change while the server runs.

use super::Configuration;

impl Configuration {
    /// The keys whose values are other ones in `newer` and take effect at the next start.
    pub(crate) fn fixed_changes(&self, newer: &Self) -> Vec<&'static str> {
        let same = [
            ("listen", self.network.listen == newer.network.listen),
            ("public_url", self.network.public_url == newer.network.public_url),
            ("demo", self.network.demo == newer.network.demo),
            ("data_dir", self.storage.data_dir == newer.storage.data_dir),
            ("database", self.storage.database == newer.storage.database),
            ("log", self.telemetry.filter == newer.telemetry.filter),
            ("[telemetry] metrics", self.telemetry.metrics == newer.telemetry.metrics),
            ("[telemetry] traces", self.telemetry.traces == newer.telemetry.traces),
            ("log_format", self.telemetry.format == newer.telemetry.format),
            ("watch", self.watch == newer.watch),
            ("[connections]", self.connections == newer.connections),
            ("[lifetimes]", self.lifetimes == newer.lifetimes),
            ("[registration]", self.registration == newer.registration),
        ];
        same.into_iter().filter(|(_, is_same)| !is_same).map(|(key, _)| key).collect()
    }
}
