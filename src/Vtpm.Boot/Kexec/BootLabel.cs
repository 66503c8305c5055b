namespace Vtpm.Boot;

/// <summary>pv-grub's <c>--vtpm-label=</c>: which domain may have the vTPM that a boot is measured into, by its XSM label.</summary>
/// <param name="Text">The label; after a leading <c>*</c>, the end of one.</param>
public sealed record BootLabel(string Text)
{
    /// <summary>Whether the domain of that label may.</summary>
    /// <param name="label">Null where the hypervisor tells none: then nobody may.</param>
    public bool Admits(string? label) =>
        label is not null && (Text.StartsWith('*') ? label.EndsWith(Text[1..], StringComparison.Ordinal) : label == Text);
}
