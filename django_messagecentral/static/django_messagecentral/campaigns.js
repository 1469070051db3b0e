/* Keeps a campaign's panel up to date while something moves. Without it the page works by reloading. */
document.addEventListener("DOMContentLoaded", function () {
    "use strict";
    const panel = document.querySelector(".mc-panel[data-progress-url]");
    if (!panel || panel.dataset.live !== "1" || !window.fetch) {
        return;
    }
    let touched = false; /* somebody is typing: a reload would lose it */
    document.addEventListener("input", function () { touched = true; });
    const language = document.documentElement.lang || undefined;
    const number = new Intl.NumberFormat(language);
    const money = function (text) {
        const value = Number(text);
        const places = value === 0 || Math.abs(value) >= 1 ? 2 : 4;
        return new Intl.NumberFormat(language, {minimumFractionDigits: places, maximumFractionDigits: places}).format(value);
    };
    const put = function (selector, text) {
        const element = panel.querySelector(selector);
        if (element && element.textContent !== text) {
            element.textContent = text;
        }
        return element;
    };

    function show(data) {
        put('[data-mc="status_label"]', data.status_label).className = "mc-status mc-" + data.status;
        put('[data-mc="reason"]', data.reason).hidden = !data.reason;
        put('[data-mc="phase"]', data.phase);
        put('[data-mc="done"]', number.format(data.done));
        put('[data-mc="total"]', number.format(data.total));
        panel.querySelector("[data-mc-progress]").hidden = !data.total;
        const bar = panel.querySelector("progress");
        bar.max = Math.max(1, data.total);
        bar.value = data.done;
        ["recipients", "rejected_rows", "duplicates", "segments"].forEach(function (name) {
            put('[data-mc-report="' + name + '"]', number.format(data.report[name]));
        });
        put('[data-mc-report="cost"]', money(data.report.cost));
        const list = panel.querySelector("[data-mc-lines]");
        list.replaceChildren.apply(list, data.lines.map(function (line) {
            const item = document.createElement("li");
            const count = document.createElement("strong");
            item.className = "mc-" + line.status;
            item.append(line.label + " ");
            count.textContent = number.format(line.count);
            item.append(count);
            return item;
        }));
    }

    async function look() {
        let again = 2000;
        try {
            const response = await fetch(panel.dataset.progressUrl, {headers: {Accept: "application/json"}, credentials: "same-origin"});
            if (!response.ok || response.redirected) {
                throw new Error(response.statusText);
            }
            const data = await response.json();
            if (data.status !== panel.dataset.status && !touched) {
                window.location.reload(); /* other buttons, other fields */
                return;
            }
            show(data);
            if (!data.live) {
                return;
            }
        } catch (error) {
            again = 10000; /* the site restarts, or the session ended: ask less often */
        }
        window.setTimeout(look, again);
    }
    window.setTimeout(look, 1000);
});
