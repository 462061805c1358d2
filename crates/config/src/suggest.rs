//! "Did you mean": the known name nearest to an unknown one.

/// Less alike than this is no help.
const ALIKE: f64 = 0.8;

/// What to say about a name that is none of `known`: the nearest one, else all of them.
pub(crate) fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let text = name.to_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let part = candidate.len() > 2 && text.split(['_', '-', '.']).any(|part| part == candidate);
        strsim::jaro_winkler(&text, &candidate).max(if part { ALIKE } else { 0.0 })
    };
    let best = known.iter().map(|one| (score(one), *one)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, nearest)) if score >= ALIKE => vec![format!("did you mean \"{nearest}\"?")],
        Some(_) => vec![format!("known here: {}", known.join(", "))],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn nearest_name_or_all() {
        assert_eq!(suggest("rate_limits", ["host", "limits"]), ["did you mean \"limits\"?"]);
        assert_eq!(suggest("api-keys", ["api_keys", "health"]), ["did you mean \"api_keys\"?"]);
        assert_eq!(suggest("zzz", ["host", "port"]), ["known here: host, port"]);
        assert!(suggest("x", []).is_empty());
    }
}
