use crate::error::StoreError;

/// One step of the schema: a script that both engines understand, applied in one transaction.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) script: &'static str,
}

/// All steps in order. A released step is never edited: a change is a new step at the end.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_foundation", script: include_str!("../migrations/0001_foundation.sql") },
    Migration { name: "0002_audit", script: include_str!("../migrations/0002_audit.sql") },
    Migration { name: "0003_audit_segments", script: include_str!("../migrations/0003_audit_segments.sql") },
    Migration { name: "0004_user_roles", script: include_str!("../migrations/0004_user_roles.sql") },
    Migration { name: "0005_access_keys", script: include_str!("../migrations/0005_access_keys.sql") },
    Migration { name: "0006_vault", script: include_str!("../migrations/0006_vault.sql") },
    Migration { name: "0007_connect", script: include_str!("../migrations/0007_connect.sql") },
];

/// The table that remembers what was applied. The engines run this before they read it.
pub(crate) const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)";

/// Names of the applied migrations.
pub(crate) const SELECT_APPLIED: &str = "SELECT name FROM migrations ORDER BY name";

/// Remembers a migration by its name.
pub(crate) const INSERT_APPLIED: &str = "INSERT INTO migrations (name) VALUES ($1)";

/// The steps that are still to do on a database that has `applied`.
///
/// An older program must not work on a newer schema: it would write rows the newer one cannot judge.
pub(crate) fn pending(applied: &[String]) -> Result<Vec<&'static Migration>, StoreError> {
    let unknown = applied.iter().find(|name| !MIGRATIONS.iter().any(|known| known.name == **name));
    if let Some(migration) = unknown {
        return Err(StoreError::NewerSchema { migration: migration.clone() });
    }
    Ok(MIGRATIONS.iter().filter(|known| !applied.iter().any(|name| name == known.name)).collect())
}

/// Whether a running program finds its whole schema. A newer schema is fine here: while nodes are
/// replaced one by one, the older ones go on serving.
pub(crate) fn check_complete(applied: &[String]) -> Result<(), StoreError> {
    match MIGRATIONS.iter().find(|known| !applied.iter().any(|name| name == known.name)) {
        Some(missing) => Err(StoreError::NotMigrated { migration: missing.name }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_pending_on_an_empty_database_and_nothing_twice() {
        let all: Vec<String> = MIGRATIONS.iter().map(|migration| migration.name.to_owned()).collect();
        assert_eq!(pending(&[]).unwrap().len(), MIGRATIONS.len());
        assert!(pending(&all).unwrap().is_empty());
        assert_eq!(check_complete(&all), Ok(()));
        assert_eq!(check_complete(&[]), Err(StoreError::NotMigrated { migration: MIGRATIONS[0].name }));
    }

    #[test]
    fn names_are_in_order() {
        assert!(MIGRATIONS.is_sorted_by_key(|migration| migration.name));
    }

    #[test]
    fn a_newer_schema_is_refused_by_name() {
        let applied = [MIGRATIONS[0].name.to_owned(), "9999_future".to_owned()];
        assert_eq!(
            pending(&applied).unwrap_err(),
            StoreError::NewerSchema { migration: "9999_future".into() }
        );
    }
}
