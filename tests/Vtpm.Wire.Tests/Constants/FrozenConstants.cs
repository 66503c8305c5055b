using System.Globalization;
using System.Reflection;

namespace Vtpm.Wire.Tests;

/// <summary>Every enumeration and constant of the wire against Vectors/constants.txt.</summary>
public sealed class FrozenConstants
{
    private static readonly ILookup<string, string[]> s_frozen = Parse().ToLookup(line => line.Type, line => line.Words);

    private static readonly Dictionary<string, Type> s_types = typeof(TpmResult).Assembly.GetExportedTypes()
        .Where(type => type.IsEnum || (type.IsAbstract && type.IsSealed && Numbers(type).Any()))
        .ToDictionary(type => type.Name);

    public static TheoryData<string> Types => [.. s_types.Keys.Order(StringComparer.Ordinal)];

    public static TheoryData<string> FlagTypes =>
        [.. s_types.Values.Where(type => type.IsDefined(typeof(FlagsAttribute))).Select(type => type.Name)];

    [Fact]
    public void Constants_Frozen_AreThoseOfTheAssembly() =>
        Assert.Equal(s_types.Keys.Order(StringComparer.Ordinal), s_frozen.Select(group => group.Key).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Types))]
    public void Constants_OfAType_HaveTheirNumbers(string name)
    {
        Type type = s_types[name];
        IEnumerable<(string Member, ulong Value)> frozen = s_frozen[name].Skip(1)
            .Select(words => (words[1], ulong.Parse(words[2].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)));

        Assert.Equal(frozen.Order(), Numbers(type).Order());
    }

    [Theory, MemberData(nameof(Types))]
    public void Enumeration_HasTheWidthOfTheWire(string name)
    {
        Type type = s_types[name];
        string width = s_frozen[name].First()[2];
        Type expected = width switch
        {
            "byte" => typeof(byte),
            "ushort" => typeof(ushort),
            "uint" => typeof(uint),
            _ => typeof(void),
        };

        Assert.Equal(expected, type.IsEnum ? Enum.GetUnderlyingType(type) : typeof(void));
    }

    [Theory, MemberData(nameof(FlagTypes))]
    public void Flags_OfAnEnumeration_AreSingleBitsOrAllOfThem(string name)
    {
        (string Member, ulong Value)[] numbers = [.. Numbers(s_types[name])];
        ulong all = numbers.Where(n => ulong.IsPow2(n.Value)).Aggregate(0UL, (bits, n) => bits | n.Value);

        Assert.All(numbers, n => Assert.True(n.Value == 0 || ulong.IsPow2(n.Value) || n.Value == all, n.Member));
    }

    private static IEnumerable<(string Member, ulong Value)> Numbers(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral && field.GetRawConstantValue() is byte or ushort or uint or int)
            .Select(field => (field.Name, Convert.ToUInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)));

    private static IEnumerable<(string Type, string[] Words)> Parse()
    {
        string type = "";
        foreach (string line in StructureVector.Lines("constants.txt"))
        {
            string[] words = line.Split(' ');
            if (words[0] == "=") type = words[1];
            yield return (type, words);
        }
    }
}
