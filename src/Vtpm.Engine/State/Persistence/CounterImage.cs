using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A <see cref="MonotonicCounter"/> in the state file.</summary>
internal struct CounterImage : IWireStructure<CounterImage>
{
    public uint Handle;
    public uint Label;
    public uint Value;
    public Secret? Auth;

    public static void Describe<TCodec>(ref TCodec wire, ref CounterImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Handle);
        wire.UInt32(ref value.Label);
        wire.UInt32(ref value.Value);
        wire.Secret(ref value.Auth);
    }

    public static CounterImage Of(MonotonicCounter counter) =>
        new() { Handle = counter.Handle, Label = counter.Label, Value = counter.Value, Auth = counter.Auth };

    /// <exception cref="StateFormatException">It has no secret: the state is damaged.</exception>
    public readonly MonotonicCounter ToCounter() =>
        new(Handle, Label, Value, Auth ?? throw new StateFormatException($"the counter 0x{Handle:x8} in the TPM's state has no secret"));
}
