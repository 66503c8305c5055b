using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A number in a list of the state file.</summary>
internal struct Number : IWireStructure<Number>
{
    public uint Value;

    public static void Describe<TCodec>(ref TCodec wire, ref Number value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.Value);
}
