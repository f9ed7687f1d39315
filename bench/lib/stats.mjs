// Medians with their spread: the middle half of the rounds.

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q) => {
    const place = (sorted.length - 1) * q;
    const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return low + (high - low) * (place - Math.floor(place));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75), rounds: sorted.length };
}
