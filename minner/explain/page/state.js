// What the reader has chosen. Every part of the page redraws itself when it changes.

const chosen = { word: 0, layer: 0, head: 0, silent: null, hidden: null };
const listeners = [];
const onChange = (listener) => listeners.push(listener);

function choose(change) {
  Object.assign(chosen, change);
  for (const listener of listeners) listener();
}

// The first wordpiece of the chosen word: the token whose vector decides about it.
const chosenToken = () => facts.words[chosen.word].tokens[0];

// The run that leaves out what the reader has silenced or hidden; null where nothing is.
function chosenRun() {
  if (chosen.silent !== null) {
    const [layer, number] = chosen.silent;
    return { name: headName(layer, number), key: `transformer.layer.${layer}.attention.head.${number}` };
  }
  if (chosen.hidden !== null) {
    return { name: `the word “${wordText(chosen.hidden)}”`, key: `words.${chosen.hidden}` };
  }
  return null;
}

const entitiesOf = (run) => (run && facts.runs[run.key]) || facts.entities;

function toggleSilent() {
  const same = chosen.silent && chosen.silent[0] === chosen.layer && chosen.silent[1] === chosen.head;
  choose({ silent: same ? null : [chosen.layer, chosen.head], hidden: null });
}

function toggleHidden() {
  choose({ hidden: chosen.hidden === chosen.word ? null : chosen.word, silent: null });
}
