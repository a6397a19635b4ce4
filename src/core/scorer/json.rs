//! Answers as JSON text.

use super::Scorer;

impl Scorer {
    /// Writes what [`Scorer::predict_proba`] answered as `{"label":0.25,...}` in label order, in place of what is in `out`.
    pub fn write_proba(&self, probabilities: &[f32], out: &mut Vec<u8>) {
        out.clear();
        out.push(b'{');
        for (label, probability) in self.labels().iter().zip(probabilities) {
            if out.len() > 1 {
                out.push(b',');
            }
            // Writing into a vector cannot fail.
            let _ = serde_json::to_writer(&mut *out, label);
            out.push(b':');
            let _ = serde_json::to_writer(&mut *out, probability);
        }
        out.push(b'}');
    }

    /// Writes what [`Scorer::predict_values`] answered as `[1.5,-2.0]`, in place of what is in `out`.
    pub fn write_values(&self, values: &[f32], out: &mut Vec<u8>) {
        out.clear();
        // Writing into a vector cannot fail.
        let _ = serde_json::to_writer(out, values);
    }
}
