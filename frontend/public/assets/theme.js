// Runs before the first paint, so that a stored light theme does not flash dark.
// A file of its own, because the content security policy allows no inline script.
try {
  if (localStorage.getItem('deepfield.theme') === 'light') document.documentElement.dataset.theme = 'light'
} catch {
  // Storage may be closed; the dark default stands.
}
