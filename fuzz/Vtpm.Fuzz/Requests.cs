using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>The header of a command.</summary>
internal static class Requests
{
    public const int HeaderSize = 10;

    public static TpmOrdinal OrdinalOf(ReadOnlySpan<byte> request) => (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[6..]);

    public static int SessionsOf(ReadOnlySpan<byte> request) => BinaryPrimitives.ReadUInt16BigEndian(request) - (int)TpmTag.RquCommand;
}
