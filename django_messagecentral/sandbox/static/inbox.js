// The inbox, better with a script: it follows what arrives, copies codes, shows times in the reader's zone.
"use strict";

(() => {
  const parts = ["counts", "phones", "thread", "callbacks"];
  let version = document.body.dataset.version;

  function showTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      const today = moment.toDateString() === new Date().toDateString();
      time.textContent = today
        ? moment.toLocaleTimeString()
        : moment.toLocaleDateString(undefined, { day: "numeric", month: "short" }) + " " +
          moment.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
      time.title = moment.toLocaleString();
    }
  }

  function showButtons(root) {
    for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
  }

  function dress(root) {
    showTimes(root);
    showButtons(root);
  }

  async function refresh() {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    version = page.body.dataset.version;
    for (const id of parts) {
      const old = document.getElementById(id);
      const fresh = page.getElementById(id);
      if (!old || !fresh || old.contains(document.activeElement) && document.activeElement.matches("input")) continue;
      const open = [...old.querySelectorAll("details")].map((details) => details.open);
      const list = old.querySelector(".phones");
      const scroll = list ? list.scrollTop : 0;
      const known = new Set([...old.querySelectorAll("li[id]")].map((item) => item.id));
      dress(fresh);
      for (const item of fresh.querySelectorAll("li[id]")) if (!known.has(item.id)) item.classList.add("new");
      fresh.querySelectorAll("details").forEach((details, n) => { details.open = Boolean(open[n]); });
      old.replaceWith(fresh);
      const newList = fresh.querySelector(".phones");
      if (newList) newList.scrollTop = scroll;
    }
  }

  async function follow() {
    for (;;) {
      try {
        const answer = await fetch(`${document.body.dataset.changes}?since=${version}&timeout=25`);
        if (!answer.ok) throw new Error(String(answer.status));
        const news = await answer.json();
        if (String(news.version) !== String(version)) {
          await refresh();
          await new Promise((done) => setTimeout(done, 250));
        }
        document.body.classList.remove("offline");
      } catch {
        document.body.classList.add("offline");
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done;
    } catch {
      const code = button.parentElement.querySelector("code") || button.parentElement.nextElementSibling;
      getSelection().selectAllChildren(code);
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter && event.submitter.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  dress(document);
  document.body.classList.add("live");
  follow();
})();
