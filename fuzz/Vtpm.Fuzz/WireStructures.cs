using System.Reflection;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>Every structure of the wire: those of Part 2, and the requests and responses of the engine.</summary>
internal sealed class WireStructures
{
    private delegate void RoundTrip(ReadOnlySpan<byte> bytes);

    private readonly Dictionary<ushort, RoundTrip> _all = [];
    private readonly ushort[] _ids;

    public WireStructures()
    {
        IEnumerable<Type> types = typeof(WireFormat).Assembly.GetTypes().Concat(typeof(Tpm12).Assembly.GetTypes()).Where(IsStructure);
        foreach (Type type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            MethodInfo method = typeof(WireStructures).GetMethod(nameof(Check), BindingFlags.NonPublic | BindingFlags.Static)!;
            _all[Id(type)] = method.MakeGenericMethod(type).CreateDelegate<RoundTrip>();
        }

        _ids = [.. _all.Keys.Order()];
    }

    public IEnumerable<ushort> Ids => _ids;

    /// <summary>Reads the bytes as the structure of that number, or of the next one; what is read is written and read again.</summary>
    public void Run(ushort id, ReadOnlySpan<byte> bytes)
    {
        int index = Array.BinarySearch(_ids, id);
        _all[_ids[index >= 0 ? index : ~index % _ids.Length]](bytes);
    }

    /// <summary>A number that stays the structure's when others are added.</summary>
    public static ushort Id(Type type)
    {
        uint hash = 2166136261;
        foreach (char letter in type.FullName!) hash = unchecked((hash ^ letter) * 16777619);
        return (ushort)(hash ^ hash >> 16);
    }

    private static bool IsStructure(Type type) =>
        type.IsValueType && !type.ContainsGenericParameters
        && type.GetInterfaces().Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IWireStructure<>));

    /// <summary>The first reading may forgive (a revision that is ignored); from then on nothing may change.</summary>
    private static void Check<T>(ReadOnlySpan<byte> bytes)
        where T : struct, IWireStructure<T>
    {
        if (WireFormat.Read(bytes, out T value) != TpmResult.Success) return;
        byte[] written = WireFormat.ToBytes(value);
        if (written.Length != bytes.Length)
            throw new TheoryException($"{typeof(T).Name} was read from {bytes.Length} bytes and written to {written.Length}");
        if (WireFormat.Read(written, out T again) != TpmResult.Success)
            throw new TheoryException($"{typeof(T).Name} cannot be read as it was written");
        if (!WireFormat.ToBytes(again).AsSpan().SequenceEqual(written))
            throw new TheoryException($"{typeof(T).Name} changes when it is read again");
    }
}
