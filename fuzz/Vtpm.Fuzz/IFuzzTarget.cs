namespace Vtpm.Fuzz;

/// <summary>Something that takes any bytes. An exception is a finding.</summary>
public interface IFuzzTarget
{
    string Name { get; }

    void Run(ReadOnlySpan<byte> input);

    /// <summary>Inputs to begin with, made from what the theories of the engine send, by name.</summary>
    IEnumerable<(string Name, byte[] Input)> Seeds();
}

public static class FuzzTargets
{
    public static IReadOnlyList<IFuzzTarget> All { get; } =
    [
        new DecoderTarget(), new SessionTarget(), new StateTarget(), new EmulatorTarget(), new ImageTarget(), new VtpmImageTarget(), new ManagerTarget(),
        new TpmifTarget(), new BootTarget(),
    ];

    public static IFuzzTarget Of(string name) => All.First(target => target.Name == name);
}
