namespace Vtpm.Engine;

/// <summary>The NV areas that are defined (Part 2 §19, Part 3 §20). Immutable.</summary>
public sealed class NvStorage
{
    public static NvStorage Empty { get; } = new();
}
