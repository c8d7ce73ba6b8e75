// What makes the pages quicker to use. Each of them can be read without it.
"use strict";

// Buttons that copy the code beside them.
for (const button of document.querySelectorAll(".copy")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// The index of lists: search as one types, and filters that take effect at once.
// All of it is in the URL, so that it can be shared and the way back works.
const filter = document.getElementById("filter");
if (filter) {
  const found = document.getElementById("found");
  const address = () => {
    const params = new URLSearchParams();
    for (const [name, value] of new FormData(filter)) {
      if (value !== "" && !(name === "sort" && value === "name")) params.append(name, value);
    }
    const query = params.toString();
    return location.pathname + (query ? "?" + query : "");
  };
  let wanted = 0;
  const show = async (url) => {
    const mine = ++wanted;
    const answer = await fetch(url, {headers: {Accept: "text/html"}});
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== wanted || !answer.ok) return;
    for (const id of ["cards", "none"]) {
      document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
    }
    found.textContent = page.getElementById("found").textContent;
  };
  const change = (remember) => {
    const url = address();
    remember.call(history, null, "", url);
    show(url).catch(() => filter.submit());
  };
  let typing;
  filter.addEventListener("input", (event) => {
    if (event.target.name !== "q") return;
    clearTimeout(typing);
    typing = setTimeout(() => change(history.replaceState), 120);
  });
  filter.addEventListener("change", (event) => {
    if (event.target.name !== "q") change(history.pushState);
  });
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    change(history.pushState);
  });
  addEventListener("popstate", () => location.reload());
  filter.querySelector("button").hidden = true;
}
