namespace Vtpm.Differential.Tests;

/// <summary>Both TPMs: making their keys takes a second, so that the tests of a class share them.</summary>
public sealed class LaboratoryFixture : IDisposable
{
    public Laboratory Laboratory { get; } = new();

    public void Dispose() => Laboratory.Dispose();
}
