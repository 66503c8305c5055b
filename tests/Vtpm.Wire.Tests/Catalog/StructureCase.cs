namespace Vtpm.Wire.Tests;

/// <summary>A structure of the wire with its type known only at run time, so that one theory covers all of them.</summary>
internal abstract class StructureCase
{
    private static readonly Dictionary<string, StructureCase> s_all = typeof(IWireStructure<>).Assembly.GetExportedTypes()
        .Where(type => type.IsValueType && type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IWireStructure<>)))
        .Select(type => (StructureCase)Activator.CreateInstance(typeof(StructureCase<>).MakeGenericType(type))!)
        .ToDictionary(c => c.Type.Name);

    /// <summary>
    /// Structures whose last field takes whatever is left: a shorter or longer message can be another valid one.
    /// </summary>
    private static readonly HashSet<Type> s_openEnded =
    [
        typeof(TpmBoundData), typeof(VtpmHashKey), typeof(VtpmGetQuoteResponse), typeof(VtpmGroupQuoteResponse), typeof(VtpmListResponse),
        typeof(VtpmNewRequest), typeof(VtpmGroupUpdatePartRequest),
    ];

    public static IEnumerable<string> Names => s_all.Keys.Order(StringComparer.Ordinal);

    public abstract Type Type { get; }

    public bool IsOpenEnded => s_openEnded.Contains(Type);

    public static StructureCase Of(string name) => s_all[name];

    public object Random(Random random) => RandomFill.Create(Type, random);

    public abstract byte[] ToBytes(object value);

    public abstract int Measure(object value);

    public abstract TpmResult Read(ReadOnlySpan<byte> bytes, out object value);

    public abstract TpmResult Write(object value, Span<byte> buffer);

    /// <summary>For a name in the output of a test.</summary>
    public override string ToString() => Type.Name;
}

internal sealed class StructureCase<T> : StructureCase
    where T : struct, IWireStructure<T>
{
    public override Type Type => typeof(T);

    public override byte[] ToBytes(object value) => WireFormat.ToBytes((T)value);

    public override int Measure(object value) => WireFormat.Measure((T)value);

    public override TpmResult Read(ReadOnlySpan<byte> bytes, out object value)
    {
        TpmResult result = WireFormat.Read(bytes, out T read);
        value = read;
        return result;
    }

    public override TpmResult Write(object value, Span<byte> buffer)
    {
        var writer = new WireWriter(buffer);
        T copy = (T)value;
        T.Describe(ref writer, ref copy);
        return writer.Result;
    }
}
